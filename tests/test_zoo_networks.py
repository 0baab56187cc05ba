"""The zoo's own networks, from checkpoint to C-simulation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quantunet_hls import generate_accelerator, zoo

_QUANTIZED = [name for name in zoo.names() if zoo.card_of(name).architecture.quantized]
_DATA = Path(os.environ.get("QUANTUNET_HLS_DATA", Path(__file__).parents[2] / "shared" / "data"))


def test_the_zoo_has_a_quantized_network():
    assert _QUANTIZED


@pytest.mark.parametrize("name", _QUANTIZED)
def test_no_value_differs_on_a_small_image_that_is_not_square(name, tmp_path):
    made = generate_accelerator(name, "zcu104", input_shape=(1, 16, 24), images=2, toolchain="none", last="csim",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.differing == 0
    assert any(check.candidate == "C-simulation" and check.layer is None for check in made.checks)


@pytest.mark.slow
@pytest.mark.parametrize("name", _QUANTIZED)
def test_no_value_differs_on_real_images(name, tmp_path):
    folder = _DATA / str(zoo.card_of(name).data["name"])
    if not folder.is_dir():
        pytest.skip(f"needs the data set {folder.name}, which is not here")
    made = generate_accelerator(name, "zcu104", data=folder, images=4, toolchain="none", last="csim",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.differing == 0
