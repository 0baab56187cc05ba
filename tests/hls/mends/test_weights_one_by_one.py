import numpy as np
import pytest
from hls4ml.backends import get_backend
from hls4ml.model.types import CompressedWeightVariable, FixedPrecisionType, WeightVariable

from quantunet_hls.hls.mends import weights_one_by_one


def a_variable(kind=WeightVariable, values=None, **options):
    values = np.array([[0.25, -0.0, 0.0], [-1.75, 0.25, 0.1]]) if values is None else values
    backend = get_backend("Vitis")
    variable = kind("w2", "weight2_t", FixedPrecisionType(8, 2), values, **options)
    return backend, variable


def written(folder, backend, variable):
    (folder / "firmware/weights").mkdir(parents=True)
    variable.definition_cpp = lambda: "weight2_t w2[6]"
    backend.writer.print_array_to_cpp(variable, folder)
    return {path.name: path.read_bytes() for path in (folder / "firmware/weights").iterdir()}


def test_plain_hls4ml_formats_every_weight(tmp_path, monkeypatch):
    """When this fails, the mend is no longer needed."""
    asked = []
    theirs = WeightVariable.__next__
    monkeypatch.setattr(WeightVariable, "__next__", lambda self: asked.append(self) or theirs(self))
    written(tmp_path, *a_variable())
    assert len(asked) == 6 + 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_same_files_are_written(tmp_path, dtype):
    values = np.random.default_rng(0).normal(0, 1, (3, 5, 7)).astype(dtype)
    values[0, 0, :2] = 0.0, -0.0
    for case, array in enumerate((values, values[:, ::2].transpose(2, 0, 1))):
        theirs = written(tmp_path / f"theirs{case}", *a_variable(values=array))
        with weights_one_by_one.applied("Vitis"):
            assert written(tmp_path / f"ours{case}", *a_variable(values=array)) == theirs
        assert b"-0.0000" in theirs["w2.txt"]


def test_what_is_written_in_another_form_is_left_to_hls4ml(tmp_path):
    theirs = written(tmp_path / "theirs", *a_variable(CompressedWeightVariable, reuse_factor=1))
    with weights_one_by_one.applied("Vitis"):
        assert written(tmp_path / "ours", *a_variable(CompressedWeightVariable, reuse_factor=1)) == theirs
    assert b"{" in theirs["w2.txt"]


def test_the_writers_own_way_comes_back_even_after_an_error():
    writer = get_backend("Vitis").writer
    theirs = writer.print_array_to_cpp
    with weights_one_by_one.applied("Vitis"):
        assert writer.print_array_to_cpp != theirs
    with pytest.raises(KeyError), weights_one_by_one.applied("Vitis"):
        raise KeyError
    assert writer.print_array_to_cpp == theirs
