"""Several reports of one design made one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from quantunet_hls.reports.figure import Figure
from quantunet_hls.reports.schema import LayerReport, Report

__all__ = ["PARTS", "merge"]

#: Steps of the flow that leave a part of the report, each in a file of its name.
PARTS = ("project", "csim", "accuracy", "rtl", "synthesis", "netlist", "place")


def merge(parts: Sequence[Report]) -> Report:
    """The first report with the checks, figures, layers, tools and files of all.

    Layers of the same name become one; a figure that an earlier part has already,
    of the same design, source and tool, is taken from the later part, and so is
    what a layer is: hardware says more than the graph does.

    Raises:
        ValueError: without a part.
    """
    if not parts:
        raise ValueError("there is nothing to merge")
    layers: dict[str, LayerReport] = {}
    for layer in (layer for part in parts for layer in part.layers):
        seen = layers.get(layer.name)
        layers[layer.name] = (
            layer
            if seen is None
            else replace(seen, kind=layer.kind or seen.kind, figures=_together(seen.figures, layer.figures))
        )
    figures: tuple[Figure, ...] = ()
    for part in parts:
        figures = _together(figures, part.figures)
    return replace(
        parts[0],
        checks=tuple(check for part in parts for check in part.checks),
        layers=tuple(layers.values()),
        figures=figures,
        tools={name: version for part in parts for name, version in part.tools.items()},
        files={role: path for part in parts for role, path in part.files.items()},
    )


def _together(first: Iterable[Figure], second: Iterable[Figure]) -> tuple[Figure, ...]:
    return tuple({figure.key: figure for figure in (*first, *second)}.values())
