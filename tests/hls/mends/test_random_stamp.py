import pytest
from hls4ml.model.optimizer.optimizer import optimizer_map

from quantunet_hls.hls.convert import HlsSettings, convert, write_project
from quantunet_hls.hls.mends import random_stamp
from quantunet_hls.ingest import ingest
from quantunet_hls.ingest.ranges import infer_types
from tests.builders import Net


def graph(folder, name="net", seed=0):
    net = Net((1, 2, 4, 6), seed=seed)
    net.quant(net.relu(net.conv(net.quant("x"), 2, 1)))
    model = ingest(net.model()).model
    return convert(model, infer_types(model), HlsSettings(name, "xczu7ev-ffvc1156-2-e", 5.0, "Vitis", {}), folder)


def stamp_of(folder, **options):
    made = graph(folder, **options)
    write_project(made)
    return made.config.get_config_value("Stamp"), (folder / "build_lib.sh").read_text()


def test_plain_hls4ml_draws_its_stamp(tmp_path):
    """When this fails, the mend is no longer needed."""
    stamps = set()
    for _ in range(2):
        made = graph(tmp_path / "project")
        optimizer_map["make_stamp"].transform(made)
        stamps.add(made.config.get_config_value("Stamp"))
    assert len(stamps) == 2


def test_one_network_has_one_stamp_wherever_it_is_written(tmp_path):
    stamp, script = stamp_of(tmp_path / "one")
    assert stamp_of(tmp_path / "two") == (stamp, script)
    assert stamp in script
    assert stamp_of(tmp_path / "three", seed=1)[0] != stamp
    assert stamp_of(tmp_path / "four", name="other")[0] != stamp


def test_hls4mls_table_comes_back_even_after_an_error():
    theirs = optimizer_map["make_stamp"]
    with random_stamp.applied():
        assert optimizer_map["make_stamp"] is not theirs
    assert optimizer_map["make_stamp"] is theirs
    with pytest.raises(KeyError), random_stamp.applied():
        raise KeyError
    assert optimizer_map["make_stamp"] is theirs
