"""What the hardware flow can build exactly, checked before hls4ml sees the graph.

Here are the rules for all nodes and for the graph; those of an operator stand in
its room. Each is a function from a node to an :class:`IllegalGraphError` or nothing.
hls4ml refuses some of these graphs itself, with an error from deep inside; the
others it converts without a word into a design that computes something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.errors import FloatNetworkError, IllegalGraphError, together
from quantunet_hls.ingest.load import has_quantizers
from quantunet_hls.ingest.passes.linear_quantizers import WHY
from quantunet_hls.ingest.unsupported import unsupported
from quantunet_hls.ops.qonnx.graph import QUANT_DOMAINS, QUANT_OPS, attribute, constant, consumers, linked, only
from quantunet_hls.ops.qonnx.node_kinds import TRANSPOSE, NodeKind, Rule, kind_of, node_kinds

__all__ = ["MAX_READERS", "check_legal", "violations"]

#: hls4ml's stream fork has at most seven outputs, and each duplicates the stream.
MAX_READERS = 7


def check_legal(model: ModelWrapper) -> None:
    """Check a tidied graph whose Quant nodes on constants are still there.

    Raises:
        IllegalGraphError: a rule is broken; an :class:`IllegalNetworkError` where several are.
    """
    broken = list(violations(model))
    if broken:
        raise together(broken)


def violations(model: ModelWrapper) -> Iterator[IllegalGraphError]:
    """All rules that the graph breaks, in graph order.

    Of a float network the first is that it is one; what only quantizers mend is then not said of each node.
    """
    model = linked(model)
    # Tensors that depend on the image, and those for whose form a refused node in front is to blame.
    reached, refused = {only(model, "input")}, set[str]()
    quantized = has_quantizers(model)
    error = _input_is_quantized(model) if quantized else FloatNetworkError("The network")
    if error is not None:
        yield error
    for node in model.graph.node:
        kind, flat = _admitted(node), _no_images(reached, model, node)
        if kind is None:
            broken = [_unsupported(node)]
        elif flat:
            # The other rules are about images.
            broken = [] if refused.intersection(flat) else [IllegalGraphError(
                node.name, "only images (four axes) can be computed with",
                "keep batch, channels, height and width from layer to layer")]
        else:
            broken = _broken(kind, reached, model, node, quantized=quantized)
        yield from broken
        if broken or flat:
            refused.update(node.output)
        if not reached.isdisjoint(node.input):
            reached.update(node.output)
    result = only(model, "output")
    if result not in reached and not refused:
        yield IllegalGraphError(result, "the network's result does not depend on the image",
                                "export the network again")


def _broken(kind: NodeKind, reached: set[str], model: ModelWrapper, node: NodeProto, *, quantized: bool
            ) -> list[IllegalGraphError]:
    """The rules that a node of images breaks."""
    if kind.domains != QUANT_DOMAINS and not kind.joins and node.input[0] not in reached:
        # Its rules are about the image that it reads; constants have quantizers alone.
        return [_not_of_the_image(node, node.input[0])]
    rules: tuple[Rule, ...] = (*kind.rules, *(kind.quantized if quantized else ()))
    broken = [error for rule in rules if (error := rule(model, node)) is not None]
    # What its kind says of constants says more.
    more = (None if broken else _reads_images(reached, model, node), _readers(model, node))
    return [*broken, *(error for error in more if error is not None)]


def _admitted(node: NodeProto) -> NodeKind | None:
    """The node's kind, where files or passes before may have it and the name means it there."""
    kind = None if attribute(node, WHY) else node_kinds().get(node.op_type)
    return kind if kind is not None and (kind.admitted or kind.tabulated) and kind.is_of_its_domain(node) else None


def _no_images(reached: set[str], model: ModelWrapper, node: NodeProto) -> list[str]:
    """What the image reaches in other forms than an image."""
    return [name for name in node.input if name in reached and len(model.get_tensor_shape(name) or [0] * 4) != 4]


def _not_of_the_image(node: NodeProto, name: str) -> IllegalGraphError:
    return IllegalGraphError(node.name, f"its input {name!r} does not depend on the image", "remove it")


def _reads_images(reached: set[str], model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    """Refuse images beside what is computed without them, and where constants belong."""
    if reached.isdisjoint(node.input):
        return None
    joins = kind_of(node).joins
    for index, name in enumerate(node.input):
        if name not in reached and (index == 0 or joins) and constant(model, name) is None:
            return _not_of_the_image(node, name)
        if name in reached and index and not joins:
            return IllegalGraphError(node.name, f"its input {name!r} depends on the image, where it must be constant",
                                     "export the network in eval mode")
    return None


def _unsupported(node: NodeProto) -> IllegalGraphError:
    why: list[bytes] = attribute(node, WHY, [])
    if why:
        rule, remedy = (text.decode() for text in why)
        return IllegalGraphError(node.name, rule, remedy)
    return unsupported(node)


def _input_is_quantized(model: ModelWrapper) -> IllegalGraphError | None:
    image = only(model, "input")
    readers = consumers(model, image)
    while len(readers) == 1 and readers[0].op_type == TRANSPOSE.op_type:
        readers = consumers(model, readers[0].output[0])
    if len(readers) == 1 and readers[0].op_type in QUANT_OPS:
        if readers[0].output[0] != only(model, "output"):
            return None
        return IllegalGraphError(readers[0].name, "the result is nothing but the quantized image",
                                 "put a layer behind it")
    reader = readers[0].name if readers else "(output)"
    return IllegalGraphError(
        reader, f"the image {image!r} must go through one Quant node before anything else, which types the input port",
        "put a QuantIdentity in front of the network")


def _readers(model: ModelWrapper, node: NodeProto) -> IllegalGraphError | None:
    count = len(consumers(model, node.output[0]))
    is_output = node.output[0] == only(model, "output")
    if count + is_output > MAX_READERS:
        return IllegalGraphError(node.name, f"{count} nodes read its result, and a stream forks {MAX_READERS} ways "
                                 "at most", "split it with another layer")
    return None
