"""What g++ says of a design's name in the C++ of a project: every word of its headers as the top function's name."""

import re
import subprocess
from pathlib import Path

import hls4ml
import pytest

from quantunet_hls.core.names import design_name
from quantunet_hls.hls.csim import require_compiler
from quantunet_hls.hls.testbench import Bench

TEMPLATES = Path(hls4ml.__file__).parent / "templates" / "vivado"
FLAGS = ("-std=c++11", "-w", "-I", "firmware/ap_types", '-DWEIGHTS_DIR=""', "-include", "bench.cpp", "-xc++")
HEADERS = "".join(f'#include "{header}"\n' for header in (
    "ap_fixed.h", "ap_int.h", "hls_stream.h", "nnet_utils/nnet_types.h", "nnet_utils/nnet_code_gen.h",
    "nnet_utils/nnet_helpers.h", "nnet_utils/nnet_activation_stream.h", "nnet_utils/nnet_conv2d_stream.h",
    "nnet_utils/nnet_merge_stream.h", "nnet_utils/nnet_padding_stream.h", "nnet_utils/nnet_pooling_stream.h"))
TYPES = """
#define DIV_ROUNDUP(n, d) ((n + d - 1) / d)
typedef nnet::array<ap_fixed<8, 1>, 1> input_t;
typedef nnet::array<ap_fixed<8, 1>, 1> result_t;
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "firmware").mkdir()
    for name in ("ap_types", "nnet_utils"):
        (folder / "firmware" / name).symlink_to(TEMPLATES / name)
    (folder / "firmware" / "the_network.h").write_text(
        HEADERS + TYPES + "void the_network(hls::stream<input_t> &image, hls::stream<result_t> &layer9_out);\n")
    (folder / "bench.cpp").write_text(Bench("the_network", 1, 1, {}).source())
    return folder


def gcc(project, *arguments, source=""):
    return subprocess.run([require_compiler(), *FLAGS, *arguments, "-"], cwd=project, input=source,
                          capture_output=True, text=True, check=False)


def refused(project, names):
    """Those of the names that no top function can have."""
    lines = "\n".join(f"void {name}(hls::stream<input_t> &image, hls::stream<result_t> &layer9_out);"
                      for name in names)
    errors = gcc(project, "-fsyntax-only", "-fmax-errors=0", source=f'#line 1 "names"\n{lines}\n').stderr
    return {names[int(line) - 1] for line in re.findall(r"^names:(\d+):\d+: error", errors, re.MULTILINE)}


@pytest.mark.slow
def test_no_word_of_a_projects_headers_stays_a_name_where_it_means_something_else(project):
    text = gcc(project, "-E", "-P").stdout
    macros = {*re.findall(r"^#define ([A-Za-z]\w*)", gcc(project, "-E", "-dM").stdout, re.MULTILINE)}
    words = sorted({*re.findall(r"[A-Za-z]\w*", text)} - macros)
    assert len(words) > 3000
    assert len(macros) > 500
    found = refused(project, words) | macros
    assert {"EOF", "EXIT_SUCCESS", "assert", "class", "main", "std", "size_t", "ap_fixed", "stdin"} <= found
    stay = {name for name in found if design_name(name) == name}
    assert not stay
    assert not refused(project, sorted({design_name(name) for name in found}))
