"""Digests of what decides the hardware."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

__all__ = ["digest"]


def digest(value: Any) -> str:
    """Hex SHA-256 of a dataclass of the stream graph, its arrays included."""
    state = hashlib.sha256()
    _feed(state, value)
    return state.hexdigest()


def _feed(state: Any, value: Any) -> None:
    if is_dataclass(value):
        state.update(type(value).__name__.encode())
        for part in fields(value):
            state.update(part.name.encode())
            _feed(state, getattr(value, part.name))
    elif isinstance(value, np.ndarray):
        state.update(repr(value.shape).encode() + np.ascontiguousarray(value, np.int64).tobytes())
    elif isinstance(value, Mapping):
        _feed(state, sorted(value.items()))
    elif isinstance(value, tuple | list):
        state.update(b"(")
        for part in value:
            _feed(state, part)
        state.update(b")")
    else:
        state.update(repr(value).encode() + b";")
