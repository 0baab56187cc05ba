"""Small files with what users of neighbouring tools reported: each comes out exact in every executor.

A case is a line: the file's name, and how it is loaded where that needs more than the file.
"""

import pytest

from quantunet_hls.ingest import load_qonnx
from tests.case_files import case_file
from tests.executors import Executors

CASES = (
    "batchnorm_alone",
    "mul_by_half",
    "prelu",
    ("two_outputs", {"result": "t67"}),
    ("two_outputs", {"result": "t43"}),
    "pad_of_zeros_before_concat",
    "resize_by_sizes",
    "resize_opset10",
    "conv_auto_pad_valid",
    "conv_k3_pad3",
    "conv_dilation2",
    "quant_half_even",
    "residual_add",
    "output_without_shape",
    "resize_bilinear",
    "trunc_average_pool",
    "qcdq_export",
    "slice_crop",
    "clip_relu6",
    "global_average_pool",
)


@pytest.fixture
def case(request, tmp_path):
    name, how = (request.param, {}) if isinstance(request.param, str) else request.param
    return Executors(load_qonnx(case_file(name), **how), tmp_path)


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_the_file_and_the_emulator_compute_the_same(case):
    case.check_file()
    case.check_emulator()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, indirect=True)
def test_c_simulation_and_rtl_compute_the_same(case):
    case.check_csim()
    case.check_rtl()
