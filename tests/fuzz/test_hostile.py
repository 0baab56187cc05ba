"""Hostile files of many formats: a sentence or a sound answer, never a traceback, in little time and memory."""

from __future__ import annotations

import random
import resource
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import mutate
from tests.fuzz.targets import TARGETS, answer, seeds

#: Formats of which sound files can be changed by their parts; YAML has tests of its own.
KINDS = tuple(kind for kind in TARGETS if kind != "yaml")
#: Seconds that one file may take, and bytes, beside what the process took before.
SECONDS, MEMORY = 20, 1 << 30


def hostile(kind: str, number: int) -> bytes:
    """One of the hostile files of a format, the same for the same number."""
    source = random.Random(number)
    change = mutate.onnx_changed if kind == "onnx" else mutate.json_changed
    return source.choice((change, change, change, mutate.bytes_changed))(source.choice(seeds(kind)), source)


def check(kind: str, content: bytes, folder: Path) -> None:
    path = folder / f"hostile.{'onnx' if kind == 'onnx' else 'json'}"
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    answer(kind, path)
    assert time.process_time() - begun < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < MEMORY
    # A module of that name opens a browser; qonnx imports what a node's domain names.
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_file_is_taken(kind, tmp_path):
    for content in seeds(kind):
        path = tmp_path / f"sound.{'onnx' if kind == 'onnx' else 'json'}"
        path.write_bytes(content)
        assert answer(kind, path) is None


@pytest.mark.parametrize("kind", KINDS)
@given(number=st.integers(0, 2**32))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_some_hostile_files(kind, number, tmp_path):
    check(kind, hostile(kind, number), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@given(number=st.integers(0, 2**32))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_many_hostile_files(kind, number, tmp_path):
    check(kind, hostile(kind, number), tmp_path)
