"""Every operator and every stage has every facet, of the form that the facet has in all rooms."""

import importlib.util
from importlib import import_module
from pathlib import Path

import pytest

from quantunet_hls.ops.cost import LayerCost, StageCost
from quantunet_hls.ops.cpp.facet import LayerCpp, StageCpp
from quantunet_hls.ops.lowering import LayerLowering
from quantunet_hls.ops.model_graph import LayerReader, StageReader
from quantunet_hls.ops.network import Layer
from quantunet_hls.ops.qonnx.node_kinds import OnnxNodes
from quantunet_hls.ops.stages.base import Stage
from quantunet_hls.ops.streaming import StreamLayer
from quantunet_hls.ops.table import FACETS, OPERATORS, STAGE_FACETS, STAGES
from quantunet_hls.ops.tensors.kernel import LayerTensors, StageTensors
from quantunet_hls.ops.unit import LayerUnit, StageUnit

#: The form of each facet; "layer" and "stage" are a class instead.
FORMS = {"model_graph": LayerReader, "tensors": LayerTensors, "onnx": OnnxNodes, "cpp": LayerCpp,
         "stream": LayerLowering, "unit": LayerUnit, "cost": LayerCost}
STAGE_FORMS = {"model_graph": StageReader, "tensors": StageTensors, "onnx": OnnxNodes, "cpp": StageCpp,
               "unit": StageUnit, "cost": StageCost}

def classes(module, base: type) -> list[type]:
    return [value for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__]


@pytest.mark.parametrize("kind", OPERATORS)
def test_a_rooms_layer_bears_its_name(kind):
    (layer,) = classes(import_module(f"quantunet_hls.ops.{kind}.layer"), Layer)
    assert layer.kind == kind


@pytest.mark.parametrize("kind", STAGES)
def test_a_rooms_stage_bears_its_name(kind):
    (stage,) = classes(import_module(f"quantunet_hls.ops.stages.{kind}.stage"), Stage)
    assert stage.kind == kind


@pytest.mark.parametrize("facet", FORMS)
@pytest.mark.parametrize("kind", OPERATORS)
def test_every_operator_has_every_facet(kind, facet):
    assert isinstance(import_module(f"quantunet_hls.ops.{kind}.{facet}").FACET, FORMS[facet])


@pytest.mark.parametrize("facet", STAGE_FORMS)
@pytest.mark.parametrize("kind", STAGES)
def test_every_stage_has_every_facet(kind, facet):
    assert isinstance(import_module(f"quantunet_hls.ops.stages.{kind}.{facet}").FACET, STAGE_FORMS[facet])


@pytest.mark.parametrize("kind", OPERATORS)
def test_a_rooms_streaming_layers_know_it(kind):
    streaming = classes(import_module(f"quantunet_hls.ops.{kind}.stream"), StreamLayer)
    assert streaming
    assert {layer.room for layer in streaming} == {kind}


def test_there_is_no_room_beside_the_table():
    def rooms(package: str, own: str) -> set[str]:
        (folder,) = importlib.util.find_spec(package).submodule_search_locations
        return {path.parent.name for path in Path(folder).glob(f"*/{own}.py")}

    assert rooms("quantunet_hls.ops", "layer") == set(OPERATORS)
    assert rooms("quantunet_hls.ops.stages", "stage") == set(STAGES)


def test_the_table_names_every_facet_that_is_checked():
    assert set(FORMS) <= set(FACETS)
    assert set(STAGE_FORMS) <= set(STAGE_FACETS)


def test_no_two_rooms_read_the_same_class_of_hls4ml():
    for kinds, package, field in ((OPERATORS, "ops", "classes"), (STAGES, "ops.stages", "activations")):
        read = [name for kind in kinds
                for name in getattr(import_module(f"quantunet_hls.{package}.{kind}.model_graph").FACET, field)]
        assert len(read) == len(set(read)), read
