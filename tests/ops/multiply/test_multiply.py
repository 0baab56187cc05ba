"""Products of two streams: squeeze and excitation, attention gates, all ways to broadcast; what is refused."""

import pytest

from quantunet_hls.boards import load
from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.model_graph import read_network
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.rtl.fold.capacity import needs
from quantunet_hls.rtl.fold.parallelism import cycle_choices, fold
from quantunet_hls.rtl.lower import lower
from tests.builders import Net, op_types
from tests.executors import Executors
from tests.ops.multiply.gated_nets import attention_gate, squeeze_and_excite

NETS = {
    "squeeze and excite": squeeze_and_excite, "hard sigmoid": lambda: squeeze_and_excite("HardSigmoid"),
    "attention gate": attention_gate,
}


@pytest.mark.parametrize("name", NETS)
def test_the_block_is_what_the_file_computes(name, tmp_path):
    case = Executors(NETS[name]().model(), tmp_path)
    assert op_types(case.graph.model).count("Mul") == 1
    assert op_types(case.graph.model).count("Table") == 1
    case.check_file()
    case.check_emulator()


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_c_simulation_and_rtl(name, tmp_path):
    case = Executors(NETS[name]().model(), tmp_path)
    case.check_csim()
    case.check_rtl()


def product(net, shape, *, order=1):
    """An image times another of that shape."""
    image = net.quant(net.relu(net.conv(net.quant("x"), 4)), 4, -2)
    factor = net.conv(image, shape[1])
    if shape[2:] == (1, 1):
        factor = net.pool(factor, net.shapes[image][2:])
    factor = net.quant(factor, 4, -2, signed=1)
    return net.add("Mul", [image, factor][::order], net.shapes[image])


@pytest.mark.parametrize("shape", [(1, 4, 6, 8), (1, 1, 6, 8), (1, 4, 1, 1), (1, 1, 1, 1)])
@pytest.mark.parametrize("order", [1, -1])
def test_every_broadcast(shape, order, tmp_path):
    net = Net((1, 2, 6, 8))
    net.conv(net.quant(product(net, shape, order=order), 6, -3, signed=1), 2)
    case = Executors(net.model(), tmp_path)
    case.check_file()
    case.check_emulator()


def test_without_a_quantizer_the_product_is_whole(tmp_path):
    net = Net((1, 2, 6, 8))
    net.conv(product(net, (1, 1, 6, 8)), 2)
    case = Executors(net.model(), tmp_path)
    types = infer_types(case.graph.model)
    (name,) = [node.name for node in case.graph.model.graph.node if node.op_type == "Mul"]
    # 4 bits without sign times 4 with one, two bits behind the point each.
    assert (types.layers[name].result.width, types.layers[name].result.fraction) == (8, 4)
    case.check_file()
    case.check_emulator()


def test_a_stream_waits_for_a_factor_of_its_whole_frame(tmp_path):
    case = Executors(squeeze_and_excite().model(), tmp_path)
    lowered = lower(read_network(case.model), "net").graph
    (layer,) = [layer for layer in lowered.layers if layer.kind == "multiply"]
    for cycles in cycle_choices(lowered):
        graph = fold(lowered, cycles)
        image, factor = (graph.fifo_depths[f"{source}->{layer.name}"] for source in layer.sources)
        assert image >= graph[layer.sources[0]].beats
        assert factor < 40


def test_a_frame_that_waits_counts_in_what_a_board_must_hold(tmp_path):
    """Before anything is mapped: the frame is in the estimate, and no slower folding makes it less."""
    found = {}
    for side in (8, 64):
        case = Executors(squeeze_and_excite(channels=16, size=(side, side)).model(), tmp_path / str(side))
        graph = lower(read_network(case.model), "net").graph
        held = [needs(fold(graph, cycles), load("pynq-z2")) for cycles in cycle_choices(graph)]
        found[side] = [need.estimated for each in held for need in each if need.name == "bram_18k"]
    frame = 64 * 64 * 16 * 5 / 18432
    assert min(found[64]) >= frame
    assert max(found[8]) < frame


def test_other_shapes_are_refused():
    net = Net((1, 2, 6, 8))
    image = net.quant(net.conv(net.quant("x"), 4), 4, -2, signed=1)
    row = net.quant(net.pool(image, (6, 1)), 4, -2, signed=1)
    net.add("Mul", [image, row], net.shapes[image])
    with pytest.raises(IllegalGraphError, match=r"images of the shapes \[6, 8, 4\] and \[1, 8, 4\] are multiplied"):
        infer_types(ingest(net.model()).model)
    net = Net((1, 2, 6, 8))
    image = net.quant(net.conv(net.quant("x"), 4), 4, -2, signed=1)
    one, other = net.pool(image, (6, 8)), net.quant(net.conv(image, 1), 4, -2, signed=1)
    net.add("Mul", [one, other], net.shapes[image])
    with pytest.raises(IllegalGraphError, match=r"images of the shapes \[1, 4, 1, 1\] and \[1, 1, 6, 8\]"):
        ingest(net.model())


def test_a_value_times_itself(tmp_path):
    net = Net((1, 2, 4, 6))
    x = net.quant(net.relu(net.conv(net.quant("x"), 2)))
    net.conv(net.add("Mul", [x, x], net.shapes[x]), 2)
    case = Executors(net.model(), tmp_path)
    case.check_file()
    case.check_emulator()


def test_products_too_wide_are_refused():
    net = Net((1, 2, 4, 6))
    x = net.conv(net.quant("x", 24, 0, signed=1), 2, bias=None)
    net.add("Mul", [x, net.conv(x, 2, bias=None)], net.shapes[x])
    with pytest.raises(IllegalGraphError, match="its values need more than 53 bits"):
        infer_types(ingest(net.model()).model)


@pytest.mark.parametrize("last", [None, 0.11])
def test_scales_of_any_kind_are_multiplied(last, tmp_path):
    net = Net((1, 2, 6, 8))
    image = net.quant(net.relu(net.conv(net.quant("x"), 4)), 4, scale=0.13)
    gate = net.quant(net.conv(image, 1), 5, scale=0.3, signed=1)
    gated = net.add("Mul", [gate, image], net.shapes[image])
    net.conv(gated if last is None else net.quant(gated, 5, scale=last, signed=1), 2)
    case = Executors(net.model(), tmp_path)
    case.check_file()
    case.check_emulator()


def test_numbers_of_which_none_stands_for_0_are_refused():
    net = Net((1, 2, 6, 8))
    image = net.quant(net.relu(net.conv(net.quant("x"), 4)), 4, scale=0.13)
    moved = net.add("Add", [net.quant(net.conv(image, 4), 5, scale=0.3), net.constant("c", 0.25)], net.shapes[image])
    net.add("Mul", [image, moved], net.shapes[image])
    with pytest.raises(IllegalGraphError, match=r"it multiplies numbers of which none stands for 0; put a quantizer"):
        ingest(net.model())
