from torch import nn

from quantunet_hls.ingest import as_meant, export_module
from quantunet_hls.ops.qonnx.graph import consumers
from quantunet_hls.quantize.affine import fold_affine
from quantunet_hls.quantize.plan import Plan, plan_quantizers
from tests.quantize.nets import BatchNormUNet, Functions, Residual, Slopes


def plan(net: nn.Module) -> Plan:
    return plan_quantizers(fold_affine(as_meant(export_module(net.eval(), (1, 8, 8)))))


def behind(planned: Plan, quantizer: str) -> set[str]:
    node = next(node for node in planned.model.graph.node if node.name == quantizer)
    return {reader.op_type for reader in consumers(planned.model, node.output[0])}


def test_what_meets_in_a_concatenation_has_one_scale():
    planned = plan(BatchNormUNet())
    shared = [names for names in planned.groups.values() if len(names) > 1]
    assert len(shared) == 1
    assert all("Concat" in behind(planned, name) for name in shared[0])
    # Behind the image, each ReLU, and the transposed convolution.
    assert sum(map(len, planned.groups.values())) == 5
    assert len(planned.layers) == 5


def test_what_is_added_has_one_scale_and_the_image_keeps_its_own():
    planned = plan(Residual())
    together = {frozenset(names) for names in planned.groups.values() if len(names) > 1}
    # One of them by way of upsampling, which makes no new values.
    assert all({"Add", "Concat", "Resize"} & behind(planned, name) for names in together for name in names)
    assert len(together) == 3
    assert planned.port not in {name for names in planned.groups.values() for name in names}
    # The image enters the join through a quantizer of the join's scale.
    between = [node for node in planned.model.graph.node if node.op_type == "Quant" and
               any(other.name == planned.port and node.input[0] in other.output for other in planned.model.graph.node)]
    assert len(between) == 1


def test_nothing_is_rounded_within_a_function():
    planned = plan(Functions())
    # tanh, x sigmoid(x), and GELU, whose arithmetic has five nodes; the sigmoid at the end reads sums.
    assert len(planned.looked_up) == 3
    for name in planned.looked_up:
        assert not behind(planned, name) & {"Conv", "Quant"}
    # In front of each function and behind it, and what is added to another.
    assert sum(map(len, planned.groups.values())) == 7
    assert planned.model.graph.node[-2].op_type == "Conv"


def test_slopes_and_clips_are_computed_on_sums_and_a_value_that_meets_itself_is_a_table():
    planned = plan(Slopes())
    # One behind each of the four functions, and one in front of the last, which a table reads.
    assert sum(map(len, planned.groups.values())) == 5
    assert len(planned.looked_up) == 1


def test_every_layer_reads_quantized_values():
    planned = plan(Residual())
    names = {planned.port, *(name for names in planned.groups.values() for name in names)}
    assert set(planned.feeds) == set(planned.layers)
    assert all(feeds and feeds <= names for feeds in planned.feeds.values())
