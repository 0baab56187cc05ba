"""The configuration beside a project holds the whole ONNX model in base64 (``write_yml``; no issue upstream).

hls4ml 1.3.0 leaves to PyYAML how a model is written: as a Python object with all
weights, 28 MB and most of a minute for 4.8 million of them, which hls4ml's own
reader of that file, a safe loader, then refuses. Here nothing stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import yaml
from onnx import ModelProto

__all__ = ["applied"]


def _nothing(dumper: yaml.Dumper, model: ModelProto) -> yaml.Node:
    return dumper.represent_none(None)


@contextmanager
def applied() -> Iterator[None]:
    """PyYAML's dumper, which is everybody's, with this form for ONNX models."""
    yaml.add_representer(ModelProto, _nothing)
    try:
        yield
    finally:
        del yaml.Dumper.yaml_representers[ModelProto]
