import pytest

from tests.hls.vendor.stubs import Bench


@pytest.fixture
def bench(tmp_path, monkeypatch):
    bench = Bench(tmp_path)
    monkeypatch.setenv("PATH", str(bench.bin))
    return bench
