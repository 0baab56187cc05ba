"""What goes into a step, as plain values by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quantunet_hls.core.store import content
from quantunet_hls.core.versions import maker_versions

if TYPE_CHECKING:
    from quantunet_hls.flow.run import Run

__all__ = ["contents", "design_inputs", "image_inputs", "packages", "precision_inputs"]


def contents(paths: Iterable[Path]) -> dict[str, str]:
    """Digests of files and folders, by name."""
    return {path.name: content(path) for path in paths}


def precision_inputs(run: Run) -> dict[str, Any]:
    """The types that are asked for, and what the design sends."""
    return {"precision": run.precision.to_dict() if run.precision else None, "output": run.spec.output}


def design_inputs(run: Run) -> dict[str, Any]:
    """What a design is made for, and with what."""
    return {"name": run.name, "target": asdict(run.target), "board": run.spec.board is not None,
            "goal": asdict(run.spec.goal), "arithmetic": run.spec.arithmetic, "weights": run.spec.weights,
            "sums": run.spec.sums, "backend": run.backend, "toolchain": run.toolchain,
            "folding": run.folding.to_dict() if run.folding else None, **precision_inputs(run)}


def image_inputs(run: Run) -> dict[str, Any]:
    """The images that it is checked with."""
    data = run.data
    if isinstance(data, np.ndarray):
        digest: Any = [data.shape, hashlib.sha256(data.tobytes()).hexdigest()]
    else:
        digest = content(data) if data else None
    return {"images": run.spec.images, "data": digest}


def packages() -> dict[str, str]:
    """Versions of the packages that any step may call."""
    return maker_versions()
