"""The bench and its reader against a small design written here, with faults to find."""

from pathlib import Path

import hls4ml
import numpy as np
import pytest

from quantunet_hls.core.errors import ToolFailedError, ToolNotFoundError
from quantunet_hls.hls.csim import compile_bench, simulate
from quantunet_hls.hls.testbench import Bench, write_bench

TEMPLATES = Path(hls4ml.__file__).parent / "templates" / "vivado"

HEADER = """
#include "ap_fixed.h"
#include "hls_stream.h"
#include "nnet_utils/nnet_types.h"
typedef nnet::array<ap_ufixed<8, 0, AP_RND_CONV, AP_SAT>, 1> input_t;
typedef nnet::array<ap_fixed<30, 10>, 1> result_t;
void twice(hls::stream<input_t> &in, hls::stream<result_t> &out);
"""
SOURCE = """
#include "twice.h"
void twice(hls::stream<input_t> &in, hls::stream<result_t> &out) {
    for (int i = 0; i < 6; i++) {
        result_t pixel;
        pixel[0] = ap_fixed<30, 10>(in.read()[0]) * 2 + ap_fixed<30, 10>(1.0 / (1 << 20));
        out.write(pixel);
    }
}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A path with spaces and shell characters, compiled once."""
    folder = tmp_path_factory.mktemp("a b; $(exit 3) 'c' \"d\"")
    (folder / "firmware" / "weights").mkdir(parents=True)
    for name in ("ap_types", "nnet_utils"):
        (folder / "firmware" / name).symlink_to(TEMPLATES / name)
    (folder / "firmware" / "twice.h").write_text(HEADER)
    (folder / "firmware" / "twice.cpp").write_text(SOURCE)
    write_bench(Bench("twice", 6, 6, {}), folder)
    assert compile_bench(folder, "twice", macs=0) > 0
    return folder


def exact(images):
    """What the design computes, by its types: rounded to even 256ths, saturated, doubled, and one smallest step."""
    return np.clip(np.round(images * 256), 0, 255) / 128 + 2.0**-20


def test_every_digit_comes_through(project):
    images = np.random.default_rng(0).uniform(-0.1, 1.1, (3, 2, 3, 1))
    images[0, 0, :, 0] = [0.5 / 256, 1.5 / 256, 2.0**60]
    result = simulate(project, images, exact(images), {})
    assert np.array_equal(result.output, exact(images).reshape(3, 6))
    assert "18 values compared, 0 differ" in (project / "build" / "csim.log").read_text()


def test_a_difference_in_the_last_bit_is_counted_and_the_output_returned(project):
    images = np.zeros((1, 2, 3, 1))
    wrong = exact(images)
    wrong[0, 1, 2, 0] += 2.0**-20
    result = simulate(project, images, wrong, {})
    assert np.count_nonzero(result.output != wrong.reshape(1, 6)) == 1
    assert "1 differ" in (project / "build" / "csim.log").read_text()


def test_an_image_of_another_size_is_refused_by_the_bench(project):
    with pytest.raises(ToolFailedError, match="image 0 has 4 values"):
        simulate(project, np.zeros((1, 2, 2, 1)), np.zeros((1, 6)), {})


def test_a_layer_that_left_no_trace(project):
    images = np.zeros((1, 2, 3, 1))
    with pytest.raises((ToolFailedError, FileNotFoundError)):
        simulate(project, images, exact(images), {"gone": 6})


def test_a_time_limit(tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "csim").write_text("#!/bin/sh\nsleep 60\n")
    (tmp_path / "build" / "csim").chmod(0o755)
    with pytest.raises(ToolFailedError, match=r"did not end within 0\.2 s each and was stopped; allow more minutes"):
        simulate(tmp_path, np.zeros((1, 2, 3, 1)), np.zeros((1, 6)), {}, limit_s=0.2)


def test_sources_that_do_not_compile(project, tmp_path):
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "bad.cpp").write_text("nonsense")
    (tmp_path / "bad_test.cpp").write_text("")
    with pytest.raises(ToolFailedError, match=r"g\+\+ ended with exit code 1; its log is .*compile\.log"):
        compile_bench(tmp_path, "bad", macs=0)
    assert not (tmp_path / "build" / "csim").exists()


def test_no_compiler(project, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolNotFoundError, match=r"g\+\+ was not found.*apt-get install g\+\+"):
        compile_bench(project, "twice", macs=0)
