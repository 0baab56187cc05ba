"""A folding as it is written down: what a design's ``folding.json`` holds, to be read, edited and given again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from quantunet_hls.core.decode import load_json

__all__ = ["StreamFolding", "WrittenFolding", "read_folding"]

#: What one layer has of something; a FIFO of the largest number holds whole frames.
Count = Annotated[int, Meta(ge=1, le=1 << 24)]


@dataclass(frozen=True)
class StreamFolding:
    """How parallel the streaming RTL is.

    Attributes:
        cycles_per_frame: what that comes to; nothing follows from it.
        layers: by layer of the stream graph its lanes, and what else its kind can choose.
        fifo_depths: by edge, of the FIFOs that have one of their own.
    """

    cycles_per_frame: int = field(default=0, kw_only=True)
    layers: Mapping[str, Mapping[str, Count | str]]
    fifo_depths: Mapping[str, Count]


@dataclass(frozen=True)
class WrittenFolding:
    """How parallel a design is.

    Attributes:
        cycles_per_frame: what the reuse factors come to; nothing follows from it.
        reuse_factors: of each convolution of the hls4ml project, by node.
        streaming: of the streaming RTL; None where the design has none, or its folding is to follow from the factors.
        names: for each layer whose name is not the network's what the network calls it; nothing follows from it.
    """

    cycles_per_frame: int = field(default=0, kw_only=True)
    reuse_factors: Mapping[str, Count]
    streaming: StreamFolding | None = None
    names: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def read_folding(path: Path) -> WrittenFolding:
    """The content of a design's ``folding.json``; whether it goes with a network is another question.

    Raises:
        ConfigurationError: it is no such file, or holds numbers that nothing has.
    """
    return load_json(WrittenFolding, path, "a folding", "start from a design's folding.json")
