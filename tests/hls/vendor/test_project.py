from dataclasses import replace
from pathlib import Path

import pytest

from quantunet_hls.core.errors import ConfigurationError, StepError
from quantunet_hls.hls.vendor import HlsProject

GOOD = HlsProject(Path("somewhere"), "unet", "xczu7ev-ffvc1156-2-e", 5.0)


def test_the_uncertainty_is_hls4mls_unless_told_otherwise():
    assert GOOD.uncertainty == "27%"
    assert HlsProject(GOOD.folder, "unet", GOOD.part, 5.0, backend="Vivado").uncertainty == "12.5%"
    assert replace(GOOD, uncertainty="1.25").uncertainty == "1.25"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a b"},
        {"name": "unet; exit"},
        {"name": "../unet"},
        {"part": "xc7z020 [exit]"},
        {"part": ""},
        {"clock_ns": 0.0},
        {"clock_ns": float("nan")},
        {"io_type": "io_serial"},
        {"backend": "Quartus"},
        {"uncertainty": "27% default; exit"},
        {"uncertainty": "$x"},
    ],
)
def test_nothing_gets_into_a_script_unchecked(wrong):
    with pytest.raises(ConfigurationError):
        replace(GOOD, **wrong)


def test_a_folder_without_a_project_is_told(tmp_path):
    with pytest.raises(StepError, match=r"firmware/unet\.cpp.*write the project first"):
        replace(GOOD, folder=tmp_path).require()
