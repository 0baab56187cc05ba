"""Op types of ONNX and classes of hls4ml each belong to one room, and nothing else knows them by name."""

import ast
from pathlib import Path

import pytest

import quantunet_hls
from quantunet_hls.ops.cpp.facet import LayerCpp, StageCpp, cpp_facets
from quantunet_hls.ops.model_graph import LayerReader, StageReader
from quantunet_hls.ops.qonnx.node_kinds import STAND_IN, TRANSPOSE, OnnxNodes, node_kinds
from quantunet_hls.ops.table import OPERATORS, STAGES, facet, stage_facet

PACKAGE = Path(quantunet_hls.__file__).parent

#: Op types that graph-wide code makes or meets as a matter of its own, by file.
KNOWN = {
    "ingest/absorb/whole_graph.py": {"Requantize"},  # what it makes
    "ingest/absorb/bends.py": {"Clip", "LeakyRelu"},  # what it makes
    "ingest/passes/absorb_padding.py": {"Pad"},  # what windows take in
    "ingest/load.py": {"BipolarQuant", "Trunc"},  # what a float network has none of
    "ingest/passes/infer_shapes.py": {"Transpose", "Conv", "ConvTranspose"},  # as ONNX sees them; crashes of its own
    "ingest/passes/linear_quantizers.py": {"Clip", "Relu"},  # what limits codes
    "ingest/whole_weights.py": {"Conv"},  # whose kernels it may have to turn round
    "ingest/passes/plain_classes.py": {"ArgMax", "Greater"},  # a mask, asked for where the network has none
    "ingest/passes/tidy.py": {"Resize"},  # an empty input that qonnx looks up
    "ingest/model_graph.py": {"Transpose"},  # hls4ml's own, behind the last layer
    "hls/mends/resize_shape_1268.py": {"Resize"},  # hls4ml's fault
}
#: Which operators may be computed on constants is a matter of safety, and how older opsets put them one of ONNX.
APART = ("ingest/passes/fold_constants.py", "ingest/passes/current_forms.py")


#: Op types that no graph has any more where ranges are proven.
OTHERS_BEFORE = {
    "ConvTranspose", "Transpose", "BipolarQuant", "Trunc", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "Pad",
    "Slice", "Split", "SpaceToDepth", "PRelu", "BatchNormalization", "DepthToSpace", "Curve",
}


def test_no_two_rooms_have_one_op_type():
    rooms = [*(facet(name, "onnx", OnnxNodes) for name in OPERATORS),
             *(stage_facet(name, "onnx", OnnxNodes) for name in STAGES)]
    named = [kind.op_type for room in rooms for kind in room.kinds]
    assert len(named) == len(set(named))
    assert set(node_kinds()) == {*named, TRANSPOSE.op_type, STAND_IN.op_type}


def test_no_two_rooms_tell_hls4ml_of_one_op_type():
    named = [name for room in cpp_facets() for name in room.nodes]
    assert len(named) == len(set(named))
    assert set(named) <= set(node_kinds())


def test_what_hls4ml_lacks_has_its_kernel_and_its_reader_in_one_room():
    rooms = [*((facet(name, "cpp", LayerCpp), facet(name, "model_graph", LayerReader).classes) for name in OPERATORS),
             *((stage_facet(name, "cpp", StageCpp), stage_facet(name, "model_graph", StageReader).layers)
               for name in STAGES)]
    added = [(layer, read) for room, read in rooms for layer in room.added]
    assert {layer.layer.__name__ for layer, _ in added} >= {"ClassIndex", "WindowPooling", "ZeroInsertion"}
    for layer, read in added:
        assert layer.layer.__name__ in read
        assert all(header.is_file() for header in layer.headers)
        assert set(layer.handlers) <= set(node_kinds())


def test_nothing_of_a_nodes_kind_contradicts_itself():
    for kind in node_kinds().values():
        # What is lowered away, becomes part of a table, or only says where axes lie, needs no proof.
        becomes_another = kind.op_type in OTHERS_BEFORE or (kind.real and kind.op_type != "Sigmoid")
        assert (kind.ranges is None) == becomes_another, kind.op_type
        assert not (kind.kernels and not kind.spatial), kind.op_type
        assert not (kind.classes and kind.plain_end is None), kind.op_type
        assert not (kind.copies and kind.new_values), kind.op_type


@pytest.mark.parametrize("room", ["ingest", "hls"])
def test_what_walks_graphs_knows_no_operator_by_name(room):
    """Else another operator would have to be added there too."""
    names = set(node_kinds()) - {"Quant", "IntQuant"}
    for path in sorted((PACKAGE / room).rglob("*.py")):
        where = path.relative_to(PACKAGE).as_posix()
        said = {node.value for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)} & names
        if where not in APART:
            assert said == KNOWN.get(where, set()), where
