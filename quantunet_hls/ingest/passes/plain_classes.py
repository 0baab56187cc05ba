"""Graphs that end in class indices: the node that finds the class, in one form, straight behind the logits."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ops.qonnx.graph import (
    QUANT_OPS,
    attribute,
    consumers,
    copy_of,
    linked,
    only,
    replace_nodes,
    shape_of,
)
from quantunet_hls.ops.qonnx.node_kinds import kind_of, node_kinds

__all__ = ["plain_classes", "with_classes"]


def plain_classes(model: ModelWrapper) -> ModelWrapper:
    """Casts of class indices at the end go, and the node that finds the class comes into its one form."""
    model = copy_of(model)
    last = _without_casts(model)
    plain_end = None if last is None or not _is_class(last) else node_kinds()[last.op_type].plain_end
    if last is None or plain_end is None:
        return model
    if len(shape_of(model, last.input[0])) == 4:
        plain_end(model, last)
    return model


def with_classes(model: ModelWrapper) -> ModelWrapper:
    """A channels-last graph whose result is a class index (batch, height, width, 1), where it is not one already.

    Several channels are classes, of which the largest wins, the lowest of equal ones; a single one is the foreground
    where it is positive.

    Raises:
        IllegalGraphError: several channels end in a sigmoid, so each is a mask of its own.
    """
    model = copy_of(model)
    last = model.find_producer(only(model, "output"))
    if _is_class(last):
        return model
    logits = str(last.output[0])
    batch, height, width, channels = shape_of(model, logits)
    sigmoid = model.find_producer(last.input[0]) if last.op_type in QUANT_OPS else last
    if sigmoid is not None and kind_of(sigmoid).gate(sigmoid):
        rule = (f"its {channels} channels are masks of their own, not classes of which one wins" if channels > 1 else
                "other nodes read it, too")
        raise IllegalGraphError(sigmoid.name, rule, "leave the sigmoid out, or ask for the logits")
    if channels > 1:
        node = helper.make_node("ArgMax", [logits], ["classes"], name="classes", axis=3, keepdims=1)
    else:
        model.set_initializer("classes_limit", np.zeros(1, dtype=np.float32))
        node = helper.make_node("Greater", [logits, "classes_limit"], ["classes"], name="classes")
    model.graph.node.append(node)
    del model.graph.output[:]
    model.graph.output.append(
        helper.make_tensor_value_info("classes", TensorProto.FLOAT, [batch, height, width, 1]))
    # The shape of the logits stood with the output that they were.
    model.set_tensor_shape(logits, [batch, height, width, channels], TensorProto.FLOAT)
    return model


def _without_casts(model: ModelWrapper) -> NodeProto | None:
    """The last node, where casts of class indices behind it are taken away.

    An index cast to bool would make one of all classes but 0, so such casts behind an ArgMax stay.
    """
    links, name = linked(model), only(model, "output")
    node = links.find_producer(name)
    casts: list[NodeProto] = []
    while node is not None and node.op_type == "Cast" and len(consumers(links, node.input[0])) == 1:
        casts.append(node)
        node = links.find_producer(node.input[0])
    if node is None or not casts or not _is_class(node) or (
            node.op_type == "ArgMax" and any(attribute(cast, "to") == TensorProto.BOOL for cast in casts)):
        return model.find_producer(name)
    written = {cast.output[0] for cast in casts}
    node.output[0] = name
    kept = [other for other in model.graph.node if other.op_type != "Cast" or other.output[0] not in written]
    replace_nodes(model, kept)
    return model.find_producer(name)


def _is_class(node: NodeProto) -> bool:
    kind = node_kinds().get(node.op_type)
    return kind is not None and kind.classes
