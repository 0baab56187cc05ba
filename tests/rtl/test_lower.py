"""From typed networks, without hls4ml, to stream graphs: what joins, what is taken in, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.core.files import check_name
from quantunet_hls.ops.concat.layer import Concat
from quantunet_hls.ops.convolution.layer import Convolution
from quantunet_hls.ops.input.layer import Input
from quantunet_hls.ops.network import TypedNetwork
from quantunet_hls.ops.padding.layer import Padding
from quantunet_hls.ops.pointwise.layer import Pointwise
from quantunet_hls.ops.pooling.layer import Pooling
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.relu.stage import Relu
from quantunet_hls.rtl.generate.design import module_name
from quantunet_hls.rtl.lower import lower
from quantunet_hls.rtl.reference import execute
from quantunet_hls.types.fixed import FixedType

PIXEL = FixedType(6, 4, True, "RND", "SAT")
CODE = FixedType(5, 2, False, "RND", "SAT")
WIDE = FixedType(20, 8)
FULL, PADDED = Shape(4, 5, 2), Shape(6, 8, 2)
SIDES = (1, 1, 1, 2)
IMAGE = Input("image", (), FULL, (Cast(PIXEL),))


def convolution(source, shape=FULL, kernel=(1, 1), result=PIXEL, accumulator=WIDE, bias=(16, -32), dilation=(1, 1)):
    weights = np.random.default_rng(1).integers(-4, 4, (*kernel, 2, 2))
    return Convolution("conv", (source,), shape, (Cast(result),), weights, 3, np.array(bias), accumulator, (1, 1),
                       (0, 0, 0, 0), 1, None, dilation)


def network(*layers):
    return TypedNetwork((IMAGE, *layers), layers[-1].name)


def relu(source, shape=FULL):
    return Pointwise("relu", (source,), shape, (Relu(CODE),))


def test_an_activation_joins_the_layer_that_nobody_else_reads():
    lowered = lower(network(convolution("image"), relu("conv")), "net")
    _, conv = lowered.graph.layers
    assert (conv.name, conv.type, conv.stages) == ("conv", CODE, (Cast(PIXEL), Relu(CODE)))
    assert lowered.tensors == {"image": "image", "conv": "relu"}


def test_an_activation_behind_a_fork_changes_nothing_for_the_other_branch():
    both = Concat("both", ("conv", "relu"), Shape(4, 5, 4), (Cast(PIXEL),))
    graph = lower(network(convolution("image"), relu("conv"), both), "net").graph
    assert [layer.kind for layer in graph.layers] == ["input", "convolution", "pointwise", "pointwise", "concat"]
    assert graph["conv"].type == PIXEL
    frames = np.random.default_rng(0).integers(PIXEL.low, PIXEL.high + 1, (2, 4, 5, 2))
    values = execute(graph, frames)
    assert (values["both"][..., :2] == values["conv"]).all()
    assert (values["both"][..., 2:] == np.minimum(np.maximum(values["conv"], 0) + 2 >> 2, CODE.high) * 4).all()


def test_zeros_in_front_of_a_window_are_taken_in_by_it():
    pad = Padding("pad", ("image",), PADDED, (Cast(PIXEL),), SIDES)
    conv = convolution("pad", Shape(2, 4, 2), (3, 3), dilation=(2, 2))
    graph = lower(network(pad, conv), "net").graph
    assert [layer.kind for layer in graph.layers] == ["input", "convolution"]
    assert (graph["conv"].window.padding, graph["conv"].window.dilation) == (SIDES, (2, 2))


PAD = Padding("pad", ("image",), PADDED, (Cast(PIXEL),), SIDES)
FAR = Padding("pad", ("image",), Shape(9, 12, 2), (Cast(PIXEL),), (2, 3, 3, 4))


@pytest.mark.parametrize(("layers", "kinds"), [
    ([PAD, relu("pad", PADDED)], ["padding", "pointwise"]),
    ([PAD], ["padding"]),
    ([PAD, Pooling("pool", ("pad",), Shape(3, 4, 2), (Cast(PIXEL),), (2, 2), (2, 2), (0, 0, 0, 0), False, PIXEL)],
     ["padding", "pooling"]),
    ([PAD, relu("pad", PADDED), Concat("both", ("pad", "relu"), Shape(6, 8, 4), (Cast(PIXEL),))],
     ["padding", "pointwise", "pointwise", "concat"]),
    ([FAR, convolution("pad", Shape(7, 10, 2), (3, 3))], ["padding", "convolution"]),
    ([replace(convolution("image", Shape(7, 10, 2), (3, 3)), padding=(2, 3, 3, 4))], ["padding", "convolution"]),
])
def test_zeros_that_no_window_has_room_for_get_into_the_stream(layers, kinds):
    lowered = lower(network(*layers), "net")
    assert [layer.kind for layer in lowered.graph.layers] == ["input", *kinds]
    frames = np.random.default_rng(0).integers(PIXEL.low, PIXEL.high + 1, (2, 4, 5, 2))
    values = execute(lowered.graph, frames)
    sides = SIDES if PAD in layers else (2, 3, 3, 4)
    wide = np.pad(frames, ((0, 0), sides[:2], sides[2:], (0, 0)))
    result = values[lowered.graph.output.name]
    if kinds[-1] == "convolution":
        # Of the zeros the window takes in what it has room for.
        assert lowered.graph["conv"].window.padding == (2, 2, 2, 2)
        plain = convolution("image", Shape(7, 10, 2), (3, 3))
        whole = TypedNetwork((Input("image", (), Shape(9, 12, 2), (Cast(PIXEL),)), plain), "conv")
        assert np.array_equal(result, execute(lower(whole, "net").graph, wide)["conv"])
    elif kinds == ["padding"]:
        assert np.array_equal(result, wide)
    else:
        assert np.array_equal(values["pad"], wide)
        assert lowered.tensors["pad"] == "pad"


def test_a_cast_that_changes_nothing_goes():
    conv = convolution("image", result=FixedType(24, 10))
    assert lower(network(conv, relu("conv")), "net").graph["conv"].stages == (Relu(CODE),)


def test_biases_finer_than_products_decide_their_step():
    conv = lower(network(convolution("image", bias=(3, 2))), "net").graph["conv"]
    assert conv.product_fraction == 8
    assert (conv.weights % 2 == 0).all()
    assert lower(network(convolution("image", bias=(6, 4))), "net").graph["conv"].product_fraction == 7


@pytest.mark.parametrize(("layers", "says"), [
    ([Padding("pad", ("image",), PADDED, (Cast(CODE),), SIDES), convolution("pad", Shape(4, 6, 2), (3, 3))],
     "'pad'.*can't hold its input"),
    ([Pooling("pool", ("image",), Shape(2, 2, 2), (Cast(PIXEL),), (2, 2), (2, 2), (0, 0, 0, 0), False, CODE)],
     "'pool'.*can't hold its input"),
    ([Pooling("pool", ("image",), Shape(2, 2, 2), (Cast(PIXEL),), (2, 2), (2, 2), (0, 0, 0, 0), True, PIXEL)],
     "'pool'.*can't hold the sum of its window"),
    ([convolution("image", accumulator=FixedType(20, 6))], "'conv'.*cuts the 7 fraction bits"),
    ([convolution("image", accumulator=FixedType(6, 7, True, "TRN", "SAT"))], "'conv'.*saturates between"),
    ([convolution("image", accumulator=FixedType(62, 8), bias=(1 << 50, 0))], "'conv'.*take 51 bits"),
])
def test_what_has_no_exact_hardware_is_refused(layers, says):
    with pytest.raises(IllegalGraphError, match=says) as refusal:
        lower(network(*layers), "net")
    assert "\n" not in str(refusal.value)


def test_layers_and_casts_of_long_or_taken_names_keep_apart():
    long = "a_branch_of_a_name_beyond_what_any_tool_takes_" * 2
    kinds = {f"{long}1": CODE, f"{long}2": FixedType(5, 3, False), "top": PIXEL, "axi": PIXEL}
    branches = [Pointwise(name, ("image",), FULL, (Relu(kind),)) for name, kind in kinds.items()]
    first, second, third, fourth = kinds
    joins = [Concat("Top", (first, second), Shape(4, 5, 4), (Cast(PIXEL),)),
             Concat("TOP", (third, fourth), Shape(4, 5, 4), (Cast(PIXEL),)),
             Concat("both", ("Top", "TOP"), Shape(4, 5, 8), (Cast(PIXEL),))]
    lowered = lower(network(*branches, *joins), "net")
    made = [layer.name.lower() for layer in lowered.graph.layers]
    assert len(set(made)) == len(made) == 10
    assert not {"top", "axi"} & set(made)
    modules = [module_name(lowered.graph, layer) for layer in lowered.graph.layers]
    assert len({check_name("Verilog file", module).lower() for module in modules}) == len(modules)
    assert set(lowered.tensors.values()) == {"image", *kinds, "Top", "TOP", "both"}
