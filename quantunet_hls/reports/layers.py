"""From the names that HLS gives its modules back to the network's layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["layer_of", "layers_in_source"]

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
