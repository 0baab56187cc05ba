"""All rules that a network breaks, whichever pass finds them.

A pass looks at what the ones before it have made, and so at legal nodes alone. Nodes that break a rule are replaced by
stand-ins, which give numbers of eight bits, and the passes go on with these. What a pass says behind a stand-in, up to
the next quantizer, may be no longer true of the network that is mended, and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import FloatNetworkError, IllegalGraphError, QuantUNetError, together
from quantunet_hls.ops.qonnx.graph import QUANT_OPS, consumers, copy_of, linked, only, replace_nodes, shape_of
from quantunet_hls.ops.qonnx.node_kinds import OWN, STAND_IN, TRANSPOSE

__all__ = ["all_reasons"]

_IMAGE_AXES = 4


def all_reasons(model: ModelWrapper, broken: Sequence[IllegalGraphError],
                build: Callable[[ModelWrapper], object]) -> IllegalGraphError:
    """One error for all rules that a network breaks, in graph order.

    Args:
        model: the network as the legality check reads it.
        broken: rules that are known to be broken, one at least.
        build: does what comes behind the legality check, and raises the errors of its passes.
    """
    found = list(broken)
    while True:
        refused = {error.node for error in found}
        mended = _with_stand_ins(model, refused)
        if mended is None or isinstance(found[0], FloatNetworkError):
            break
        try:
            build(mended)
        except IllegalGraphError as error:
            doubtful = refused | _behind(model, refused)
            more = [each for each in error.violations if each.node not in doubtful]
        except QuantUNetError:
            # Something about the whole, which may be gone when all nodes are mended.
            break
        else:
            break
        found += more
        if not more:
            break
    places = {node.name: place for place, node in enumerate(model.graph.node)}
    return together(sorted(found, key=lambda error: -1 if isinstance(error, FloatNetworkError)
                           else places.get(error.node, len(places))))


def _behind(model: ModelWrapper, refused: Collection[str]) -> set[str]:
    """Names of the nodes that read what comes of refused ones, with no quantizer between."""
    tensors: set[str] = set()
    behind = set()
    for node in model.graph.node:
        reads = not tensors.isdisjoint(node.input)
        if reads:
            behind.add(node.name)
        if node.name in refused or (reads and node.op_type not in QUANT_OPS):
            tensors.update(node.output)
    return behind


def _with_stand_ins(model: ModelWrapper, refused: Collection[str]) -> ModelWrapper | None:
    """The network with stand-ins for refused nodes, and for those of no images.

    None where it can't be told how images lie behind one, or where no quantizer types the image.
    """
    model = linked(copy_of(model))
    port = _port(model)
    if port is None or port.name in refused or any(
            node.name in refused and node.op_type == TRANSPOSE.op_type for node in model.graph.node):
        return None
    image = only(model, "input")
    reached, wrong, nodes = {image}, set[str](), list[NodeProto]()
    for node in model.graph.node:
        images = [name for name in node.input if name in reached and _is_image(model, name)]
        is_reached = not reached.isdisjoint(node.input)
        reached.update(node.output if is_reached else ())
        if node.name not in refused and wrong.isdisjoint(node.input) and all(
                _is_image(model, name) for name in (*node.input, *node.output) if name in reached):
            nodes.append(node)
        elif is_reached:
            source = images[0] if images else port.output[0]
            nodes += [helper.make_node(STAND_IN.op_type, [source], [name], node.name, domain=OWN)
                      for name in node.output if _is_image(model, name)]
        else:
            # A constant's own fault is not one of the node that reads it.
            wrong.update(node.output)
    mended = copy_of(model)
    replace_nodes(mended, nodes)
    last = nodes[-1].output[0]
    if not any(only(model, "output") in node.output for node in nodes):
        del mended.graph.output[:]
        mended.graph.output.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, shape_of(model, last)))
    return mended


def _port(model: ModelWrapper) -> NodeProto | None:
    """The quantizer of the image."""
    readers = consumers(model, only(model, "input"))
    while len(readers) == 1 and readers[0].op_type == TRANSPOSE.op_type:
        readers = consumers(model, readers[0].output[0])
    return readers[0] if len(readers) == 1 and readers[0].op_type in QUANT_OPS else None


def _is_image(model: ModelWrapper, tensor: str) -> bool:
    return len(model.get_tensor_shape(tensor) or ()) == _IMAGE_AXES
