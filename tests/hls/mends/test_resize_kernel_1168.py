import shutil
import subprocess
from pathlib import Path

import hls4ml
import numpy as np
import pytest
from hls4ml.backends import get_backend

from quantunet_hls.hls.mends import mended, resize_kernel_1168

TEMPLATES = Path(hls4ml.__file__).parent / "templates"

BENCH = """
#include <cstdio>
#include "ap_fixed.h"
#include "nnet_types.h"
#include "nnet_image_stream.h"
struct config {{
    static const unsigned height = {height}, width = {width}, new_height = {new_height}, new_width = {new_width};
    static const unsigned n_chan = 2;
}};
int main() {{
    typedef nnet::array<ap_fixed<16, 16>, 2> pixel_t;
    hls::stream<pixel_t> in("in"), out("out");
    for (int i = 0; i < {height} * {width}; i++) {{
        pixel_t pixel;
        pixel[0] = i;
        pixel[1] = -i;
        in.write(pixel);
    }}
    nnet::resize_nearest<pixel_t, config>(in, out);
    while (!out.empty()) {{
        pixel_t pixel = out.read();
        std::printf("%d %d\\n", pixel[0].to_int(), pixel[1].to_int());
    }}
    return in.empty() ? 0 : 1;
}}
"""


def header_of_hls4ml() -> Path:
    return TEMPLATES / "vivado" / "nnet_utils" / "nnet_image_stream.h"


def test_plain_hls4ml_still_unrolls_a_row_and_all_channels():
    """Its pipelines lie outside the loops over a row's pixels; when this fails, the mend is no longer needed."""
    text = header_of_hls4ml().read_text()
    loops = text[text.index("void resize_nearest"):]
    pipeline = loops.index("#pragma HLS PIPELINE")
    row = loops.index("CONFIG_T::width", loops.index("for"))
    assert pipeline < loops.rindex("for (")
    assert row


@pytest.mark.parametrize(("height", "width", "rows", "columns"),
                         [(2, 3, 2, 2), (3, 2, 1, 2), (2, 2, 3, 1), (1, 1, 4, 5), (3, 4, 1, 1)])
def test_the_kernel_repeats_each_pixel(height, width, rows, columns, tmp_path):
    source = tmp_path / "bench.cpp"
    source.write_text(BENCH.format(height=height, width=width, new_height=height * rows, new_width=width * columns))
    includes = [resize_kernel_1168.HEADER.parent, TEMPLATES / "vivado" / "ap_types",
                TEMPLATES / "vivado" / "nnet_utils"]
    subprocess.run([shutil.which("g++"), "-std=c++11", "-O0", "-w", *(f"-I{path}" for path in includes), source, "-o",
                    tmp_path / "bench"], check=True)
    printed = subprocess.run([tmp_path / "bench"], check=True, capture_output=True, text=True).stdout
    values = np.array([line.split() for line in printed.splitlines()], dtype=int)
    image = np.arange(height * width).reshape(height, width)
    expected = np.repeat(np.repeat(image, rows, 0), columns, 1).reshape(-1)
    assert np.array_equal(values[:, 0], expected)
    assert np.array_equal(values[:, 1], -expected)


@pytest.mark.parametrize("backend", ["Vitis", "Vivado"])
def test_hls4mls_table_comes_back_even_after_an_error(backend):
    sources = get_backend(backend).custom_source
    before = dict(sources)
    with mended(backend):
        assert sources != before
        assert resize_kernel_1168.HEADER in sources.values()
    assert sources == before
    with pytest.raises(KeyError), mended(backend):
        raise KeyError
    assert sources == before
