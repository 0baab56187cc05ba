import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.hls.testbench import EXPECTED, INPUTS, RESULTS, Bench, read_values, write_bench, write_values

BENCH = Bench("net", 12, 6, {"conv_1": 24, "relu": 24})


@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=1,
                max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_number_comes_back_as_it_was(tmp_path, rows):
    write_values(tmp_path / "values.dat", np.array(rows))
    assert read_values(tmp_path / "values.dat").tolist() == rows


def test_one_line_an_image(tmp_path):
    write_values(tmp_path / "a folder" / "values.dat", np.arange(24).reshape(2, 3, 2, 2))
    lines = (tmp_path / "a folder" / "values.dat").read_text().splitlines()
    assert [[float(word) for word in line.split()] for line in lines] == [list(range(12)), list(range(12, 24))]


def test_the_bench_takes_the_place_of_hls4mls(tmp_path):
    write_bench(BENCH, tmp_path)
    text = (tmp_path / "net_test.cpp").read_text()
    for part in ('#include "firmware/net.h"', "INPUT_VALUES = 12", "OUTPUT_VALUES = 6", '{"conv_1", 24}',
                 '{"relu", 24}', INPUTS, EXPECTED, RESULTS, "net(source, sink)"):
        assert part in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("path", ["file/values.dat", "/dev/null/values.dat"])
def test_a_folder_that_can_not_be_written(tmp_path, path):
    (tmp_path / "file").touch()
    with pytest.raises(QuantUNetError, match="can't be written"):
        write_values(tmp_path / path, np.zeros((1, 2)))
