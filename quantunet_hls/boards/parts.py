"""Bare parts: their names checked, their family told from the prefix, their resources only where they are known."""

from __future__ import annotations

from quantunet_hls.boards.board import Board, Resources
from quantunet_hls.boards.catalogue import shipped
from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.targets import part_named

__all__ = ["for_part"]


def for_part(part: str, *, clock_ns: float | None = None, resources: Resources | None = None) -> Board:
    """A board that is nothing but a part.

    Its resources are those given; else those of the catalogue where a board there
    has the same device (package and speed grade change none of them); else unknown.

    Args:
        part: with package and speed grade, as the tools want it.
        clock_ns: period to aim at in ns; by default a usual one of its series.
        resources: what the part has.

    Raises:
        ConfigurationError: a malformed part, or a clock that is none.
        BoardError: a part of no known family.
    """
    known = part_named(part)
    if clock_ns is not None and not 0.1 <= clock_ns <= 10_000:
        raise ConfigurationError(f"A clock period of {clock_ns!r} ns can't be built; give one between 0.1 and 10000.")
    sources: tuple[str, ...] = ()
    if resources is None:
        sibling = next((board for board in shipped() if part_named(board.part).device == known.device), None)
        resources = sibling.resources if sibling else Resources()
        sources = sibling.sources[:1] if sibling else ()
    return Board(
        name=part,
        title=f"{known.series.title} part {part}",
        vendor=known.family.vendor,
        family=known.family.name,
        series=known.series.title,
        part=part,
        resources=resources,
        clock_ns=known.series.clock_ns if clock_ns is None else clock_ns,
        memory=(),
        toolchains=known.family.toolchains,
        sources=sources,
    )
