"""A design that is asked for, with everything that its words stand for looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quantunet_hls.boards import Board
from quantunet_hls.flow.artefacts import Artefacts
from quantunet_hls.flow.spec import DesignSpec
from quantunet_hls.folding.written import WrittenFolding

if TYPE_CHECKING:
    from quantunet_hls.ingest.source import NetworkSource
    from quantunet_hls.tuning.precision import Precision

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """One run: what it is about, and where its files go.

    Attributes:
        spec: what was asked for.
        source: the network.
        target: what it is built for, with its clock.
        name: of the design, its project and its report.
        toolchain: who synthesizes: "vitis", "vivado", "open" or "none".
        folding: a folding to be taken instead of what would be found for the goal.
        precision: types to build it with; None for the network's own and, for the rest, the proven ones.
        progress: called with a line for each part of a step that takes long.
    """

    spec: DesignSpec
    source: NetworkSource
    target: Board
    name: str
    toolchain: str
    folding: WrittenFolding | None = None
    precision: Precision | None = None
    progress: Callable[[str], None] = lambda line: None

    @property
    def files(self) -> Artefacts:
        """Where everything lies."""
        return Artefacts(Path(self.spec.projects) / self.name, self.name, Path(self.spec.reports) / f"{self.name}.json")

    @property
    def renamed(self) -> dict[str, str]:
        """The name that was asked for, by the one that it became, where a design can't have it."""
        return {self.name: self.spec.name} if self.spec.name and self.spec.name != self.name else {}

    @property
    def data(self) -> Path | np.ndarray | None:
        """Images for the check, None for phantoms."""
        return Path(self.spec.data) if isinstance(self.spec.data, str) else self.spec.data

    @property
    def backend(self) -> str:
        """hls4ml's backend; what it writes for Vitis is what everybody but Vivado HLS gets."""
        return "Vivado" if self.toolchain == "vivado" else "Vitis"

    @property
    def streams(self) -> bool:
        """Whether streaming RTL is made, which is the open tool chain's work."""
        return self.toolchain == "open"
