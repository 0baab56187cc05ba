import pytest
from hls4ml.backends import FPGABackend, get_backend

from quantunet_hls.hls.convert import HlsSettings, convert
from quantunet_hls.hls.mends import reuse_factor_search
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.ranges import infer_types
from tests.builders import Net


@pytest.mark.parametrize("backend", ["Vitis", "Vivado"])
def test_plain_hls4ml_tries_every_number(backend, monkeypatch):
    """When this fails, the mend is no longer needed."""
    tried = []
    theirs = get_backend(backend)
    monkeypatch.setattr(theirs, "_validate_reuse_factor", lambda inputs, outputs, reuse: tried.append(reuse) or True)
    theirs.get_valid_reuse_factors(72, 16)
    assert len(tried) == 72 * 16


def test_the_same_factors_are_found():
    backend = get_backend("Vitis")
    sizes = [(inputs, outputs) for inputs in (*range(1, 40), 72, 81, 144) for outputs in (*range(1, 14), 16, 24)]
    theirs = {size: backend.get_valid_reuse_factors(*size) for size in sizes}
    with reuse_factor_search.applied():
        assert {size: backend.get_valid_reuse_factors(*size) for size in sizes} == theirs


def test_a_conversion_tries_none(tmp_path, monkeypatch):
    def tried(self, *sizes):
        raise AssertionError(sizes)

    monkeypatch.setattr(FPGABackend, "_validate_reuse_factor", tried)
    net = Net((1, 2, 4, 6))
    net.quant(net.relu(net.conv(net.quant("x"), 2, 1)))
    model = ingest(net.model()).model
    for backend in ("Vitis", "Vivado"):
        convert(model, infer_types(model), HlsSettings("net", "xczu7ev-ffvc1156-2-e", 5.0, backend, {}), tmp_path)


def test_hls4mls_own_search_comes_back_even_after_an_error():
    theirs = FPGABackend.get_valid_reuse_factors
    with reuse_factor_search.applied():
        assert FPGABackend.get_valid_reuse_factors is not theirs
    with pytest.raises(KeyError), reuse_factor_search.applied():
        raise KeyError
    assert FPGABackend.get_valid_reuse_factors is theirs
