"""What a person is told where a design takes more than the part has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from quantunet_hls.reports.render import beyond_part

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run
    from quantunet_hls.reports.schema import Figure

__all__ = ["tell_beyond_part"]


def tell_beyond_part(run: Run, figures: Iterable[Figure]) -> None:
    """Say what is more than the part has."""
    for line in beyond_part(figures):
        run.progress(f"{line}; ask for a lower rate, fewer multipliers or a larger board")
