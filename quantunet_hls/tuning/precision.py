"""``precision.json``: every type of a design in one file that a person can edit and feed back.

    {"image": "ufixed<8,0,RND_CONV,SAT>",
     "layers": {"enc0a_conv": {"result": ..., "accumulator": ..., "weight": ..., "bias": ...},
                "enc0a_relu_Quant": {"result": ...}, ...}}

Types are spelled as in hls4ml's configuration. What is not named stays as it is
or gets its proven type. The types of quantizers, weights and biases change the
network (:mod:`quantunet_hls.tuning.requantize`): another type for weights
rounds them anew, to nearest even, and saturates them. Accumulators and other
results don't: they may be wider than what the proof says, and not narrower.

Where a scale is no power of two, a type counts in steps of it. Then a quantizer can
have more or fewer levels of the same scale; another scale is nothing that a type says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.core.decode import load_json
from quantunet_hls.core.errors import ConfigurationError, QuantUNetError, UnknownNameError
from quantunet_hls.ingest import HardwareGraph
from quantunet_hls.ingest.ranges import GraphTypes, infer_types
from quantunet_hls.ops.qonnx.graph import QUANT_OPS
from quantunet_hls.ops.qonnx.node_kinds import kind_of
from quantunet_hls.ops.qonnx.ranges import MAX_WIDTH, LayerTypes, Range
from quantunet_hls.ops.qonnx.weights import MAX_BITS
from quantunet_hls.tuning.requantize import Constants, Levels, Requantized, requantize, scales_of
from quantunet_hls.types import FixedType, parse_type

__all__ = ["Precision", "PrecisionError", "chosen_types", "decided_precision", "precision_of", "read_precision",
           "with_precision"]

Role = Literal["result", "accumulator", "weight", "bias"]


class PrecisionError(QuantUNetError):
    """A choice of types that does not go with the network: names the layer."""


@dataclass(frozen=True)
class Precision:
    """Types by role, by the hardware graph's node names.

    Attributes:
        image: of the input port, None where it is left as it is.
        layers: for each node some of "result", "accumulator", "weight" and "bias".
    """

    image: FixedType | None
    layers: Mapping[str, Mapping[str, FixedType]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        image = {"image": str(self.image)} if self.image else {}
        return image | {"layers": {name: {role: str(kind) for role, kind in kinds.items()}
                                   for name, kinds in self.layers.items()}}


@dataclass(frozen=True)
class _Written:
    """The same as the file spells it."""

    image: str | None = None
    layers: Mapping[str, Mapping[Role, str]] = field(default_factory=dict)


def precision_of(types: GraphTypes) -> Precision:
    """All types of a graph."""
    return Precision(types.image, {
        name: {role: kind for role, kind in vars(kinds).items() if kind is not None}
        for name, kinds in types.layers.items()})


def decided_precision(graph: HardwareGraph, types: GraphTypes) -> Precision:
    """The types that somebody decides on: of quantizers, weights and biases.

    Accumulators and other results follow from them and from the weights by proof, so such a file also goes with other
    weights of the same network.
    """
    quantizers = {str(node.name) for node in graph.model.graph.node if node.op_type in QUANT_OPS}
    every = precision_of(types)
    decided = {name: {role: kind for role, kind in kinds.items()
                      if role in ("weight", "bias") or (name in quantizers and role == "result")}
               for name, kinds in every.layers.items()}
    return Precision(every.image, {name: kinds for name, kinds in decided.items() if kinds})


def read_precision(path: Path) -> Precision:
    """Read the file.

    Raises:
        ConfigurationError: it is no such file, or spells a type that there is not; says where.
    """
    written = load_json(_Written, path, "a precision file", "start from the precision.json of a design")
    image = _type(path, "image", written.image) if written.image is not None else None
    return Precision(image, {name: {role: _type(path, f"{name}, {role}", text) for role, text in kinds.items()}
                             for name, kinds in written.layers.items()})


def _type(path: Path, where: str, text: str) -> FixedType:
    try:
        return parse_type(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {where}: {error}") from error


def with_precision(graph: HardwareGraph, precision: Precision) -> ModelWrapper:
    """The network with the quantizers that the file asks for, in its own layout.

    Where the file holds the network's own types, the network stays what it is.

    Raises:
        UnknownNameError: a layer that the network lacks.
        PrecisionError: a role that the layer lacks, or a type that its quantizer can't have.
    """
    types = infer_types(graph.model)
    nodes = {str(node.name): node for node in graph.model.graph.node}
    activations: dict[str, FixedType] = {}
    levels: dict[str, FixedType] = {}
    constants: dict[str, dict[str, Constants]] = {"weight": {}, "bias": {}}
    for name, kinds in precision.layers.items():
        if name not in nodes:
            raise UnknownNameError("layer", name, nodes)
        now = vars(types.layers[name])
        for role, kind in kinds.items():
            if now[role] is None:
                raise PrecisionError(f"Layer {name!r} ({nodes[name].op_type}) has no {role}; leave it out.")
            if role in constants and _differs(kind, now[role]):
                _check_quantizer(name, role, kind)
                constants[role][name] = Constants(kind)
        if kinds.get("result", now["result"]) == now["result"]:
            continue
        scales = scales_of(graph, name)
        if scales is not None:
            _check_quantizer(name, "result", kinds["result"])
            _check_levels(name, kinds["result"], types.layers[name].result, scales)
            levels[name] = kinds["result"]
        elif nodes[name].op_type in QUANT_OPS:
            _check_quantizer(name, "result", kinds["result"])
            _check_modes(name, kinds["result"])
            activations[name] = kinds["result"]
    port = _port(graph)
    image = (activations | levels).get(port, types.image)
    if precision.image is not None and precision.image != image:
        raise PrecisionError(f"The image has the type of the quantizer behind it, {port!r}, which is {image}, "
                             f"not {precision.image}; give both the same.")
    changed = sorted({*constants["weight"], *constants["bias"]})
    if graph.scales.whole and changed:
        raise PrecisionError(f"Layer {changed[0]!r}: the network has scales that are no powers of two, which no type "
                             "of weights says; leave it out, or quantize its float network anew "
                             "(quantunet-hls quantize MODEL --data DIR --weight-bits BITS).")
    return requantize(graph, Requantized(activations, constants["weight"], constants["bias"], levels))


def _port(graph: HardwareGraph) -> str:
    return next(str(node.name) for node in graph.model.graph.node if node.op_type in QUANT_OPS)


def _differs(one: FixedType, other: FixedType) -> bool:
    return (one.width, one.fraction, one.signed) != (other.width, other.fraction, other.signed)


def _check_quantizer(name: str, role: str, kind: FixedType) -> None:
    if kind.width > MAX_BITS or abs(kind.fraction) > 60:
        raise PrecisionError(f"Layer {name!r}: its {role} can't be {kind}; give it at most {MAX_BITS} bits and a step "
                             "from 2**-60 to 2**60.")
    if role != "result" and not kind.signed:
        raise PrecisionError(f"Layer {name!r}: its {role} can't be {kind}; constants have signed types.")


def _check_levels(name: str, kind: FixedType, now: FixedType, scales: Levels) -> None:
    """Refuse what is not the same quantizer with more or fewer levels."""
    if scales.zero:
        raise PrecisionError(f"Layer {name!r}: its quantizer has the zero point {scales.zero}, which no type says; "
                             "leave it out, or quantize its float network anew (quantunet-hls quantize MODEL --data "
                             "DIR --activation-bits BITS).")
    step = now.fraction if scales.power is None else kind.fraction
    if replace(kind, width=now.width, signed=now.signed) != replace(now, fraction=step):
        possible = replace(now, width=kind.width, signed=kind.signed)
        raise PrecisionError(f"Layer {name!r}: its quantizer keeps its scale {scales.scale:g} and how it rounds, so "
                             f"its result can't be {kind}; {possible} is as wide.")


def _check_modes(name: str, kind: FixedType) -> None:
    if kind.rounding not in ("RND_CONV", "TRN") or kind.saturation not in ("SAT", "SAT_SYM") or (
            kind.saturation == "SAT_SYM" and (not kind.signed or kind.width < 2)):
        raise PrecisionError(f"Layer {name!r}: a quantizer can't be {kind}; it rounds with RND_CONV or TRN and "
                             "saturates with SAT, or SAT_SYM where it has a sign and two bits.")


def chosen_types(graph: HardwareGraph, precision: Precision | None) -> GraphTypes:
    """The proven types of a network, with what a file says about accumulators and results.

    Args:
        graph: of a network that has the file's quantizers already (:func:`with_precision`).
        precision: the file; None for the proven types.

    Raises:
        PrecisionError: a type that the layer's values would overflow or be cut by; says its range.
    """
    types = infer_types(graph.model)
    if precision is None:
        return types
    layers = dict(types.layers)
    written: dict[str, FixedType] = {}
    for node in graph.model.graph.node:
        name, proven = str(node.name), types.layers[str(node.name)]
        chosen = dict(precision.layers.get(name, {}))
        kinds = proven
        if kind_of(node).copies:
            kinds = _copied(node, proven, written[node.input[0]], chosen)
        elif kind_of(node).own_type and chosen.get("result", proven.result) != proven.result:
            raise PrecisionError(f"Layer {name!r}: its result is that of the network's own quantizer, {proven.result}, "
                                 f"not {chosen['result']}; leave it out.")
        elif node.op_type not in QUANT_OPS:
            for role in ("result", "accumulator"):
                kind, needed = chosen.get(role), getattr(proven, role)
                if kind is not None and kind != needed:
                    _check_holds(name, role, kind, needed, types.ranges[node.output[0]])
                    kinds = replace(kinds, **{role: kind})
        layers[name] = kinds
        written[node.output[0]] = kinds.result
    return GraphTypes(types.image, layers, types.ranges)


def _copied(node: NodeProto, proven: LayerTypes, given: FixedType, chosen: Mapping[str, FixedType]) -> LayerTypes:
    kind = chosen.get("result", given)
    if kind not in (given, proven.result):
        raise PrecisionError(f"Layer {str(node.name)!r} copies its input, which is {given}, so its result can't be "
                             f"{kind}; leave it out.")
    return replace(proven, result=given)


def _check_holds(name: str, role: str, kind: FixedType, needed: FixedType, values: Range) -> None:
    if role == "accumulator" and kind.saturation != "WRAP":
        raise PrecisionError(f"Layer {name!r}: its accumulator can't be {kind}, for a sum under way may lie beyond its "
                             "end and must not be cut there; use WRAP.")
    if kind.width > MAX_WIDTH:
        raise PrecisionError(f"Layer {name!r}: its {role} can't be {kind}; comparisons are exact up to {MAX_WIDTH} "
                             "bits, so give it that many at most.")
    fine = kind.fraction >= needed.fraction
    room = kind.fraction - needed.fraction
    if not fine or kind.lowest > needed.low << room or kind.high < needed.high << room:
        step = 2.0**values.exponent
        low, high = int(values.low.min()) * step, int(values.high.max()) * step
        raise PrecisionError(
            f"Layer {name!r}: its {role} {kind} {'would overflow' if fine else 'would cut bits'}, for its values reach "
            f"from {low:g} to {high:g} in steps of {needed.step:g}; {needed} is the narrowest type that holds them. To "
            "go on with fewer bits, put a quantizer behind it in the network.")
