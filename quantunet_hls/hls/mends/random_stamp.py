"""Two projects of one network differ, by a name that is drawn at random (``make_stamp``; no issue upstream).

hls4ml 1.3.0 names the library that Python loads by eight random digits, which
stand in ``build_lib.sh`` and ``hls4ml_config.yml``. Here they are digits of what
the project is made of, so that a run that resumes leaves the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from hls4ml.model.graph import ModelGraph
from hls4ml.model.optimizer import ModelOptimizerPass
from hls4ml.model.optimizer.optimizer import optimizer_map

__all__ = ["applied"]

_NAME = "make_stamp"
_DIGITS = 8

#: Where a project lies is no part of it.
_ELSEWHERE = ("Stamp", "OutputDir", "OnnxModel")


def _stamp(model: ModelGraph, theirs: ModelOptimizerPass) -> None:
    settings = model.config.config
    if "OnnxModel" not in settings:
        # A graph that was put together by hand says nowhere what it is made of.
        theirs.transform(model)
        return
    digest = hashlib.sha256(settings["OnnxModel"].SerializeToString(deterministic=True))
    said = {key: value for key, value in settings.items() if key not in _ELSEWHERE}
    digest.update(json.dumps(said, sort_keys=True, default=str).encode())
    settings["Stamp"] = digest.hexdigest()[:_DIGITS]


@contextmanager
def applied() -> Iterator[None]:
    """Projects that are written get a stamp of their content."""
    theirs = optimizer_map[_NAME]
    optimizer_map[_NAME] = ModelOptimizerPass(_NAME, partial(_stamp, theirs=theirs))
    try:
        yield
    finally:
        optimizer_map[_NAME] = theirs
