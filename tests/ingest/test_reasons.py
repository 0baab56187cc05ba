"""All rules that a network breaks come in one answer, whichever pass finds them."""

import pytest
from onnx import TensorProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import as_meant, ingest, violations
from quantunet_hls.ingest.passes.tabulate import tabulate
from tests.builders import Net
from tests.ingest.test_legality import ILLEGAL_AND_LEGAL

SHAPE = (1, 2, 4, 6)


def softmax(net, source, name):
    return net.add("Softmax", [source], net.shapes[source], name=name, axis=1)


def unquantized(net, source, name):
    """A convolution that reads an activation of sums without a quantizer."""
    return net.conv(net.relu(net.conv(net.quant(source, scale=0.3), 2)), 2, name=name)


def tied(net, source, name, zero=1, **other):
    """A quantizer whose ties go to odd levels, which no multiplication does, of values that fall and rise."""
    fine = net.quant(source, 4, -3)
    shifted = net.add("Add", [fine, net.constant(f"{name}_offset", [[[[-0.75]]]])], net.shapes[fine])
    coarse = net.quant(net.leaky(shifted, -1.0), 4, name=name, **({"exponent": -2} | other))
    net.constant(net.nodes[-1].input[2], zero)
    return coarse


def flat(net, source, name):
    return net.add("Flatten", [source], (1, 48), name=name)


def reasons(*breaking):
    net = Net(SHAPE)
    value = net.quant("x")
    for place, break_rule in enumerate(breaking):
        value = break_rule(net, value, f"it{place}")
        value = net.quant(value) if len(net.shapes[value]) == 4 else value
    with pytest.raises(IllegalGraphError) as caught:
        ingest(net.model())
    return [error.node for error in caught.value.violations]


@pytest.mark.parametrize("breaking", [
    (softmax, unquantized), (unquantized, softmax), (unquantized, tied, unquantized),
    (tied, softmax, unquantized, tied), (unquantized, tied, flat),
], ids=lambda breaking: "-".join(each.__name__ for each in breaking))
def test_rules_of_all_passes_are_named_in_graph_order(breaking):
    assert reasons(*breaking) == [f"it{place}" for place in range(len(breaking))]


def test_nothing_is_said_of_what_only_the_refused_node_may_be_to_blame_for():
    def behind_softmax(net, source, name):
        # The convolution would read an activation of whatever stands in the Softmax's place.
        return net.conv(net.relu(softmax(net, net.quant(source, scale=0.3), name)), 2, name=f"{name}_behind")

    assert reasons(behind_softmax) == ["it0"]


@pytest.mark.parametrize("name", ILLEGAL_AND_LEGAL)
def test_what_is_refused_before_any_pass_is_refused_for_the_same_reasons(name):
    net = Net(SHAPE)
    ILLEGAL_AND_LEGAL[name][0](net)
    proto = net.proto(net.nodes[-1].output[0])
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.UNDEFINED
    said = [str(error) for error in violations(tabulate(as_meant(ModelWrapper(proto))))]
    with pytest.raises(IllegalGraphError) as caught:
        ingest(ModelWrapper(proto))
    assert [str(error) for error in caught.value.violations] == said


def test_what_ties_go_to_is_mended_as_it_is_said():
    def network(**options):
        net = Net(SHAPE)
        net.conv(tied(net, net.quant("x"), "it", **options), 1, pads=[0] * 4)
        return net.model()

    with pytest.raises(IllegalGraphError, match="another scale, or one with rounding mode FLOOR or an even zero point"):
        ingest(network())
    for mended in ({"scale": 0.3}, {"rounding": "FLOOR"}, {"zero": 2}):
        assert ingest(network(**mended))
