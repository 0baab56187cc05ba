"""Settings for all tests, and the option that runs a quarter of the slow ones."""

import hashlib
import os

# Two test processes whose threads wait for each other's cores take three times as long. Torch reads
# this when it is imported, so it comes first.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Whoever runs the tests may have a zoo and boards of their own: no test reads them or writes there.
os.environ["QUANTUNET_HLS_ZOO"] = f"{os.devnull}/zoo"
os.environ["QUANTUNET_HLS_BOARDS"] = f"{os.devnull}/boards"

import pytest
from hypothesis import HealthCheck, settings

_QUARTERS = 4

# Compiling and tracing make examples slow at times; the same examples every time make failures repeatable.
settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=30,
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")


@pytest.fixture
def nothing_shipped(monkeypatch, tmp_path):
    """A package without checkpoints of its own, so that a test's zoo is all there is."""
    monkeypatch.setattr("quantunet_hls.zoo.folders.shipped_folder", lambda: tmp_path / "nothing shipped")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quarter", type=int, default=None, metavar="N",
                     help="of the tests that were chosen, only the N-th quarter (modulo 4), by their names")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    number = config.getoption("quarter")
    if number is None:
        return
    chosen = [item for item in items if quarter_of(item.nodeid) == number % _QUARTERS]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def quarter_of(name: str) -> int:
    """Which quarter of the tests one belongs to, from 0: the same whatever else there is, and on every machine."""
    return hashlib.sha256(name.encode()).digest()[0] % _QUARTERS
