"""What nobody has looked at is refused before onnx sees it: its shape inference ends the process for some of it."""

import numpy as np
import onnx
import pytest
from onnx import helper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest.passes.tidy import tidy
from quantunet_hls.ingest.unsupported import check_operators
from quantunet_hls.ops.qonnx.node_kinds import node_kinds
from quantunet_hls.ops.qonnx.refused import REFUSED
from tests.builders import Net


# onnx 1.21 ends the process for the first two, as they stand.
@pytest.mark.parametrize(("op_type", "attributes"), [
    ("MaxUnpool", {"kernel_shape": [1, 3]}), ("Attention", {"q_num_heads": 3, "kv_num_heads": 0}),
    ("NobodyKnows", {}),
])
def test_onnx_is_not_shown_operators_that_nobody_has_looked_at(op_type, attributes, monkeypatch):
    shown = []
    monkeypatch.setattr(onnx.shape_inference, "infer_shapes", lambda model, **options: shown.extend(
        node.op_type for node in model.graph.node))
    net = Net((1, 2, 4, 6))
    net.add(op_type, [net.quant("x"), net.constant("c", 1, np.int64)], (1, 2, 4, 6), name="it", **attributes)
    with pytest.raises(IllegalGraphError, match=f"'it': operator {op_type} .*; ") as caught:
        tidy(net.model())
    assert [error.node for error in caught.value.violations] == ["it"]
    assert not shown


def test_the_legality_check_gets_to_see_all_others():
    check_operators(helper.make_node(name, ["x"], ["y"], name="it") for name in (
        {*node_kinds(), *REFUSED, "Acos", "Shape"} - {"MaxUnpool", "MaxRoiPool"}))
