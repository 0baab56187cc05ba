"""Settings for all tests."""

import os

# Two test processes whose threads wait for each other's cores take three times as long. Torch reads
# this when it is imported, so it comes first.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Whoever runs the tests may have a zoo of their own: no test reads it or writes there.
os.environ["QUANTUNET_HLS_ZOO"] = f"{os.devnull}/zoo"

import pytest
from hypothesis import HealthCheck, settings

# Compiling and tracing make examples slow at times; the same examples every time make failures repeatable.
settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=30,
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")


@pytest.fixture
def nothing_shipped(monkeypatch, tmp_path):
    """A package without checkpoints of its own, so that a test's zoo is all there is."""
    monkeypatch.setattr("quantunet_hls.zoo_folders.shipped_folder", lambda: tmp_path / "nothing shipped")
