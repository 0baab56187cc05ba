"""Small files with what users of neighbouring tools reported: each comes out exact in every executor.

A case is a line: the file's name, and how it is loaded where that needs more than the file.
"""

import os
from pathlib import Path

import pytest

from quantunet_hls.ingest import load_qonnx
from tests.executors import Executors

_FOLDER = Path(os.environ.get("QUANTUNET_HLS_DATA", Path(__file__).parents[2] / "shared" / "data")).parent / "cases"

CASES = (
    "batchnorm_alone",
    "mul_by_half",
    "prelu",
    "residual_add",
)


@pytest.fixture
def case(request, tmp_path):
    file = _FOLDER / f"{request.param}.onnx"
    if not file.exists():
        pytest.skip(f"{file} is not here")
    return Executors(load_qonnx(file), tmp_path)


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_the_file_and_the_emulator_compute_the_same(case):
    case.check_file()
    case.check_emulator()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, indirect=True)
def test_c_simulation_and_rtl_compute_the_same(case):
    case.check_csim()
    case.check_rtl()
