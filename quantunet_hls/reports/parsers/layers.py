"""From the names that HLS gives its modules back to the network's layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from quantunet_hls.reports import names
from quantunet_hls.reports.figure import Figure, pick
from quantunet_hls.reports.schema import LayerReport

__all__ = ["by_layer", "layer_of", "layers_in_source"]

# hls4ml names the template argument of layer number 7 "config7", "relu_config7" and so on,
# and HLS builds a module's name from its function's and the template arguments.
_CONFIG = re.compile(r"config(\d+)(?!\d)")
_CALL = re.compile(r"<[^;]*?config(\d+)\b[^;]*?>\s*\([^;]*\);\s*//\s*([A-Za-z]\w*)")


def layers_in_source(lines: Iterable[str]) -> dict[str, int]:
    """Name and number of each layer, from the source file of an hls4ml project's top function.

    Args:
        lines: of the file; hls4ml writes one call a layer, with the layer's name in a comment behind it.
    """
    found = (_CALL.search(line) for line in lines)
    return {match.group(2): int(match.group(1)) for match in found if match}


def layer_of(module: str, layers: Mapping[str, int | None]) -> str | None:
    """The layer that an HLS module or instance was made from, None where that can't be told.

    Args:
        module: the name that HLS gave it.
        layers: number of each known layer in hls4ml's graph, None where it is not known.
    """
    numbers = {int(number) for number in _CONFIG.findall(module)}
    by_number = [layer for layer, number in layers.items() if number in numbers]
    if len(by_number) == 1:
        return by_number[0]
    by_name = [layer for layer in layers if re.search(rf"(?:^|_){re.escape(layer)}(?:_|$)", module)]
    # "Conv_1" stands in "Conv_1_bn" too: the longest name that fits is the one meant.
    return max(by_name, key=len, default=None)


def by_layer(
    modules: Iterable[tuple[str, tuple[Figure, ...]]], layers: Mapping[str, int | None]
) -> tuple[LayerReport, ...]:
    """Figures of modules as figures of layers: the network's layers in order, then what is no one layer's.

    Where several modules of one source were made from the same layer, the one
    with most LUTs stands for it: figures include what a module calls, so that
    is the outermost. The others keep their own names.

    Args:
        modules: name (and instance, in front of it) and figures of each.
        layers: number of each layer in hls4ml's graph, in the network's order.
    """
    own: dict[str, dict[tuple[str, str], tuple[str, tuple[Figure, ...]]]] = {layer: {} for layer in layers}
    others: dict[str, tuple[Figure, ...]] = {}

    def keep_apart(name: str, figures: tuple[Figure, ...]) -> None:
        known = {figure.key for figure in others.get(name, ())}
        others[name] = (*others.get(name, ()), *(figure for figure in figures if figure.key not in known))

    for name, figures in modules:
        if not figures:
            continue
        last = name.split()[-1]
        layer = layer_of(name.replace(" ", "_"), layers)
        if layer is None:
            keep_apart(last, figures)
            continue
        origin = (figures[0].source, figures[0].tool)
        rival = own[layer].get(origin)
        if rival is None:
            own[layer][origin] = (last, figures)
        elif _luts(figures) > _luts(rival[1]):
            keep_apart(*rival)
            own[layer][origin] = (last, figures)
        else:
            keep_apart(last, figures)
    reports = [
        LayerReport(layer, figures=tuple(figure for _, figures in found.values() for figure in figures))
        for layer, found in own.items()
        if found
    ]
    return (*reports, *(LayerReport(name, "module", figures) for name, figures in others.items()))


def _luts(figures: Iterable[Figure]) -> float:
    found = pick(figures, names.LUT)
    return 0 if found is None else found.value
