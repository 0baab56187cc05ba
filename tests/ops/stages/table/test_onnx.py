"""Functions between two quantizers: what becomes a table, what its entries are, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.emulate.accuracy import classes_of, emulate_graph
from quantunet_hls.flow.verify import reference
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.ranges import infer_types
from quantunet_hls.ops.meaning import Meaning
from quantunet_hls.ops.qonnx.graph import attribute
from quantunet_hls.tuning.requantize import Requantized, requantize, requantize_hardware
from quantunet_hls.types.fixed import FixedType
from tests.builders import Net, image_node, op_types
from tests.executors import Executors
from tests.ops.stages.table.functions import FUNCTIONS, gelu, net_with, silu


def table_of(net):
    (table,) = [node for node in ingest(net.model()).model.graph.node if node.op_type == "Table"]
    return dict(zip(range(attribute(table, "first"), 1 << 13), attribute(table, "entries"), strict=False))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_one_table_and_gives_what_the_file_gives(function, tmp_path):
    case = Executors(net_with(function, 7, -4).model(), tmp_path, low=-5, high=5)
    assert op_types(case.graph.model) == ["Quant", "Table", "Conv"]
    case.check_file()
    case.check_emulator()
    found = reference(case.graph, case.images)
    assert {check.layer for check in found.checks} == {"image", *(node.name for node in case.graph.model.graph.node)}
    assert not any(check.differing for check in found.checks)


@settings(max_examples=60)
@given(function=st.sampled_from(sorted(FUNCTIONS)), bits=st.integers(2, 8), exponent=st.integers(-6, 0),
       out_bits=st.integers(1, 8), out_exponent=st.integers(-8, 1), signed=st.booleans(),
       rounding=st.sampled_from(["ROUND", "FLOOR"]))
def test_entries_are_what_double_precision_gives_where_no_tie_is_near(function, bits, exponent, out_bits, out_exponent,
                                                                      signed, rounding):
    net = net_with(function, bits, exponent, out_bits=out_bits + signed, out_exponent=out_exponent,
                   signed=int(signed), rounding=rounding)
    graph = ingest(net.model())
    # Every number that the port has.
    codes = np.arange(-(1 << (bits - 1)), 1 << (bits - 1))
    images = np.resize(codes * 2.0**exponent, (-(-len(codes) // 48), 4, 6, 2))
    assert not any(check.differing for check in reference(graph, images).checks)


def test_ties_are_decided_as_rational_numbers_are():
    # At 9/4 a slope of 1/6 gives 7/8, right between 3 and 4 quarters; the file's number is a little more than 1/6.
    table = table_of(net_with("hard_sigmoid", 6, -2, out_bits=3, out_exponent=-2, signed=0))
    for code, entry in table.items():
        exact = min(max(Fraction(code, 4) / 6 + Fraction(1, 2), Fraction(0)), Fraction(1)) * 4
        assert entry == round(exact)
    assert table[9] == 4
    # Any other slope is the number that it is: 1/5 in single precision is a little more, so 5/4 gives more than 3/4.
    table = table_of(net_with("hard_sigmoid_default", 6, -2, out_bits=4, out_exponent=-1, rounding="FLOOR", signed=0))
    assert {code: table[code] for code in (9, 10, 11)} == {9: 1, 10: 2, 11: 2}
    # Hard swish at 1/2 is 7/24, at -3/2 it is -3/8: with steps of 1/4 the second one is a tie, which goes to the even.
    table = table_of(net_with("hard_swish", 5, -1, out_bits=6, out_exponent=-2))
    assert table[-3] == round(Fraction(-3, 2)) == -2
    assert table[-1] == round(Fraction(-1, 2) * Fraction(5, 2) / 6 * 4) == -1


def test_values_that_a_pooling_and_an_upsampling_hand_on_are_looked_up(tmp_path):
    net = Net((1, 2, 8, 8))
    x = net.resize(net.pool(net.quant("x", 5, -2, signed=1)))
    net.conv(net.quant(silu(net, x), 4, -2, signed=1), 2, 1, pads=[0] * 4)
    case = Executors(net.model(), tmp_path)
    assert op_types(case.graph.model) == ["Quant", "MaxPool", "Resize", "Table", "Conv"]
    case.check_file()
    case.check_emulator()


def test_two_scales_that_meet_in_a_concat_are_looked_up_in_the_finer_one(tmp_path):
    net = Net((1, 2, 4, 6))
    x = net.quant("x", 6, -4, signed=1)
    joined = net.concat(net.quant(x, 4, -1, signed=1), net.quant(x, 3, -2))
    net.conv(net.quant(gelu(net, joined), 5, -3, signed=1), 2, 1, pads=[0] * 4)
    case = Executors(net.model(), tmp_path)
    table = table_of(net)
    assert (min(table), max(table)) == (-16, 14)
    case.check_file()
    case.check_emulator()


def test_one_function_may_have_several_quantizers_and_share_its_nodes(tmp_path):
    net = Net((1, 2, 4, 6))
    x = net.quant("x", 5, -2, signed=1)
    gate = net.add("Sigmoid", [x], net.shapes[x])
    one, other = net.quant(gate, 3, -3), net.quant(net.add("Mul", [x, gate], net.shapes[x]), 4, -2, signed=1)
    net.conv(net.concat(one, other), 2, 1, pads=[0] * 4)
    case = Executors(net.model(), tmp_path)
    assert op_types(case.graph.model) == ["Quant", "Table", "Table", "Concat", "Conv"]
    case.check_file()
    case.check_emulator()


def refusal(net):
    with pytest.raises(IllegalGraphError) as caught:
        ingest(net.model())
    return caught.value


def test_behind_sums_there_is_no_table_and_the_remedy_works():
    def net(quantizer):
        net = Net((1, 2, 4, 6))
        x = net.conv(net.quant("x"), 3)
        x = net.quant(x, 6, -2, signed=1) if quantizer else x
        net.conv(net.quant(silu(net, x), 4, -2, signed=1), 2, 1, pads=[0] * 4)
        return net

    error = refusal(net(quantizer=False))
    assert "no quantizer has rounded" in error.rule
    assert error.remedy == "put a quantizer of at most 12 bits in front of it"
    assert op_types(ingest(net(quantizer=True).model()).model).count("Table") == 1


def test_too_many_values_are_refused():
    assert "what it reads takes 8192 values" in refusal(net_with("silu", 13, -4)).rule
    assert op_types(ingest(net_with("silu", 12, -4).model()).model).count("Table") == 1


def test_what_is_read_before_it_is_quantized_is_refused():
    net = Net((1, 2, 4, 6))
    net.conv(net.add("Tanh", [net.quant("x", 5, -2, signed=1)], net.shapes["x"]), 2, 1, pads=[0] * 4)
    error = refusal(net)
    assert "'Conv_4' reads its result before it is quantized" in error.rule
    assert error.remedy == "put a quantizer behind it"
    net = Net((1, 2, 4, 6))
    net.add("Tanh", [net.quant("x", 5, -2, signed=1)], net.shapes["x"])
    assert "the network hands out its result" in refusal(net).rule


def test_a_function_of_two_tensors_is_refused():
    net = Net((1, 2, 4, 6))
    x = net.quant("x", 5, -2, signed=1)
    other = net.quant(net.conv(x, 2), 4, -1, signed=1)
    net.quant(net.add("Max", [x, other], net.shapes[x]), 4, -1, signed=1)
    assert "it joins several images" in refusal(net).rule


def test_a_files_own_node_of_that_name_is_no_table():
    net = Net((1, 2, 4, 6))
    net.add("Table", [net.quant("x")], net.shapes["x"], domain="quantunet_hls")
    assert "operator Table" in refusal(net).rule


def test_exponentials_beyond_all_bounds_are_refused():
    assert "it has no value that can be computed at some of the numbers" in refusal(net_with("exp", 12, 20)).rule


def test_ranges_are_those_of_the_numbers_that_come():
    net = Net((1, 1, 4, 6))
    x = net.quant(net.relu(net.quant("x", 4, -2, signed=1)), 6, -2, signed=1)
    net.quant(net.add("Neg", [x], net.shapes[x]), 6, -2, signed=1)
    types = infer_types(ingest(net.model()).model)
    found = list(types.ranges.values())[-1]
    assert (found.low.tolist(), found.high.tolist()) == ([-7], [0])


@pytest.mark.parametrize("output", ["logits", "mask"])
def test_a_gate_at_the_end_says_probabilities(output):
    net = Net((1, 2, 4, 6))
    logits = net.quant(net.conv(net.quant("x"), 1), 6, -3, signed=1)
    net.quant(net.add("Sigmoid", [logits], net.shapes[logits]), 6, -6)
    graph = ingest(net.model(), output)
    images = np.random.default_rng(0).uniform(-1, 3, (3, *graph.input_shape)).astype(np.float32)
    emulator = emulate_graph(graph)
    expected = reference(graph, images)
    assert not any(check.differing for check in expected.checks)
    assert np.array_equal(emulator.predict(images), expected.result)
    assert classes_of(emulator.network) == 2
    last = emulator.network.by_name[emulator.network.output]
    if output == "mask":
        assert op_types(graph.model)[-2:] == ["Quant", "Greater"]
        assert last.meaning is Meaning.CLASSES
    else:
        assert op_types(graph.model)[-1] == "Table"
        assert last.meaning is Meaning.PROBABILITIES


def test_another_type_in_front_of_a_table_makes_another_table():
    net = net_with("silu")
    graph = ingest(net.model())
    changes = Requantized({"Quant_0": FixedType(4, 2, True, "RND_CONV", "SAT")})
    short, long = requantize_hardware(graph, changes), ingest(requantize(graph, changes))
    tables = [image_node(each.model, "Mul_2") for each in (short, long)]
    assert [attribute(table, "entries") for table in tables] == [attribute(tables[0], "entries")] * 2
    assert len(attribute(tables[0], "entries")) == 16


@pytest.mark.slow
@pytest.mark.parametrize(("function", "bits"), [("silu", 4), ("gelu", 8), ("hard_swish", 6), ("tanh", 9)])
def test_c_simulation_and_rtl_look_up_the_same(function, bits, tmp_path):
    net = Net((1, 2, 6, 8))
    x = net.quant(net.conv(net.quant("x"), 4), bits, -bits // 2, signed=1)
    net.conv(net.quant(FUNCTIONS[function](net, x), 5, -3, signed=1), 2)
    case = Executors(net.model(), tmp_path)
    case.check_file()
    case.check_csim()
    case.check_rtl()


def test_functions_that_hardware_computes_stay_what_they_are():
    net = Net((1, 2, 4, 6))
    net.conv(net.quant(net.leaky(net.relu(net.quant("x", 4, -2, signed=1)))), 2)
    assert op_types(ingest(net.model()).model) == ["Quant", "Relu", "LeakyRelu", "Quant", "Conv"]


@pytest.mark.parametrize(("given", "result", "zeros"), [
    (0.11, 0.07, (0, 0)), (0.25, 0.07, (0, 0)), (0.11, 0.125, (0, 0)), (0.11, 0.07, (3, -5))])
def test_scales_of_any_kind_on_either_side(given, result, zeros, tmp_path):
    net = Net((1, 2, 4, 6))
    x = net.quant(net.relu(net.conv(net.quant("x"), 3)), 6, scale=given, signed=1)
    net.constant(net.nodes[-1].input[2], zeros[0])
    y = net.quant(silu(net, net.pool(x)), 5, scale=result, signed=1)
    net.constant(net.nodes[-1].input[2], zeros[1])
    net.conv(y, 2, kernel=1, pads=[0] * 4)
    case = Executors(net.model(), tmp_path)
    assert op_types(case.graph.model).count("Table") == 1
    case.check_file()
    case.check_emulator()
