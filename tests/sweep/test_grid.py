from pathlib import Path

import pytest

from quantunet_hls import cli
from quantunet_hls.core.errors import ConfigurationError, QuantUNetError
from quantunet_hls.sweep.grid import grid_of, read_grid
from quantunet_hls.sweep.work import build
from tests.builders import small_unet

UNET = {"unet": {"depth": 1, "base_channels": 1, "size": [1, 4, 6]}}


def jobs(tmp_path, **axes):
    return grid_of({"models": [UNET], "boards": ["zcu104"]} | axes).jobs(tmp_path / "p", tmp_path / "r")


def test_every_combination_once_with_a_name_and_a_key_of_its_own(tmp_path):
    made = jobs(tmp_path, boards=["zcu104", "kv260"], multipliers=[8, 16], clock_ns=[5, 4.5], widths=["3/4", "4/6"])
    assert len({job.key for job in made}) == len({job.name for job in made}) == 16
    assert made[0].name == "unet_b1d1_4x6_zcu104_m8_5ns_w3a4"
    assert made[1].unet["widths"]["activation"] == 6
    assert len(jobs(tmp_path, boards=["zcu104", "zcu104"])) == 1


def test_rates_are_an_axis_like_any_other(tmp_path):
    made = jobs(tmp_path, fps=[200, 400.5])
    assert [job.name for job in made] == ["unet_b1d1_4x6_zcu104_200fps", "unet_b1d1_4x6_zcu104_400_5fps"]
    assert [job.options["target_fps"] for job in made] == [200, 400.5]
    with pytest.raises(ConfigurationError, match="at once"):
        jobs(tmp_path, fps=[200], multipliers=[8])


def test_the_key_follows_content_not_names(tmp_path):
    file = tmp_path / "a net.onnx"
    file.write_bytes(b"one")
    (first,) = jobs(tmp_path, models=[str(file)])
    (elsewhere,) = grid_of({"models": [str(file)], "boards": ["zcu104"]}).jobs(tmp_path / "other", tmp_path)
    assert elsewhere.key == first.key
    file.write_bytes(b"two")
    (second,) = jobs(tmp_path, models=[str(file)])
    assert second.key != first.key
    assert second.name == first.name == "a_net_zcu104"


def test_long_names_are_cut_and_stay_apart(tmp_path):
    for letter in "ab":
        (tmp_path / f"{'x' * 80}{letter}.onnx").write_bytes(letter.encode())
    made = jobs(tmp_path, models=[str(path) for path in sorted(tmp_path.glob("*.onnx"))])
    assert len({job.name for job in made}) == 2
    assert all(len(job.name) <= 56 for job in made)


def test_a_file_with_the_command_lines_values_in_place_of_its_own(tmp_path):
    (tmp_path / "g.yml").write_text("models: [a, b]\nboards: [zcu104]\nimages: 3\n")
    grid = read_grid(tmp_path / "g.yml", {"boards": ["kv260"], "to": None})
    assert (list(grid.models), list(grid.boards), grid.shared["images"]) == (["a", "b"], ["kv260"], 3)


@pytest.mark.parametrize("text", ["[1]", "models: a\nboards: [zcu104]", "models: [a]", "models: []\nboards: [zcu104]",
                                  "models: [a]\nboards: [zcu104]\ncheese: 1", "a: [", "models: [true]\nboards: [b]",
                                  "models: [a]\nboards: [zcu104]\nimages: many", "\0",
                                  "models: [!!python/object/apply:os.getpid []]\nboards: [a]"])
def test_a_faulty_grid_is_one_sentence(tmp_path, text):
    (tmp_path / "g.yml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_grid(tmp_path / "g.yml", {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("axes", "message"), [
    ({"boards": ["zcu10"]}, "zcu104"),
    ({"models": ["absent.onnx"]}, "There is no file"),
    ({"models": ["no_such_net"]}, "no_such_net"),
    ({"models": ["brain_tumor_w4a6_b8d3"], "widths": ["4/6"]}, "trained with widths of its own"),
    ({"models": [{"unet": {"depth": 1}}]}, "needs size"),
    ({"models": [{"unet": {"depth": 99, "size": [1, 4, 4]}}]}, "depth"),
    ({"models": [{"net": {}}]}, "is no model"),
    ({"widths": ["4"]}, "are no widths"),
    ({"precisions": ["absent.json"]}, "There is nothing at"),
    ({"multipliers": list(range(1, 200_000))}, "limit"),
])
def test_what_can_not_be_made_is_refused_before_anything_is(tmp_path, axes, message):
    with pytest.raises(QuantUNetError, match=message):
        jobs(tmp_path, **axes)


def test_an_untrained_unet_is_built_and_is_the_same_each_time(tmp_path):
    (job,) = jobs(tmp_path, to="project", toolchain="none", images=1)
    report = build(job)
    assert report.network.macs > 0
    (network,) = (tmp_path / "p" / "networks").glob("*.onnx")
    before = network.read_bytes()
    network.unlink()
    build(job)
    assert network.read_bytes() == before


@pytest.mark.slow
def test_the_command_from_start_to_page(capsys, tmp_path):
    (tmp_path / "net.onnx").write_bytes(small_unet().proto("t16").SerializeToString())
    (tmp_path / "g.yml").write_text("boards: [zcu104, pynq-z2]\ntoolchain: none\nimages: 1\nto: ingest\n")
    arguments = ["sweep", tmp_path / "g.yml", "--models", tmp_path / "net.onnx", "--to", "project", "--workers", "1",
                 "--store", tmp_path / "s.sqlite", "--html", tmp_path / "s.html", "--projects", tmp_path / "p",
                 "--reports", tmp_path / "r"]
    for expected in ("2 done, 0 refused, 0 failed, 0 known before", "0 done, 0 refused, 0 failed, 2 known before"):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        assert ended.value.code == 0
        assert expected in capsys.readouterr().out
    assert "net_pynq" in (tmp_path / "s.html").read_text().replace("<wbr>", "")
    assert Path(tmp_path / "p" / "net_zcu104" / "project.json").is_file()


def test_a_job_script_is_shown(capsys, tmp_path):
    (tmp_path / "g.yml").write_text("models: [a]\nboards: [zcu104]\ncluster: {queue: night, memory: 4GB}\n")
    with pytest.raises(SystemExit):
        cli.main(["sweep", str(tmp_path / "g.yml"), "--cluster", "slurm", "--job-script"])
    assert "#SBATCH -p night" in capsys.readouterr().out


@pytest.mark.parametrize(("page", "said"), [("g.yml", "one of the files that are read"), ("s.sqlite", "files that are"),
                                            ("notes.html", "was not written by this command")])
def test_the_page_overwrites_neither_the_grid_nor_the_results_nor_what_is_not_ours(capsys, tmp_path, page, said):
    contents = {"g.yml": "models: [a]\nboards: [zcu104]\n", "s.sqlite": "", "notes.html": "<p>Mine"}
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(SystemExit) as ended:
        cli.main(["sweep", str(tmp_path / "g.yml"), "--store", str(tmp_path / "s.sqlite"),
                  "--html", str(tmp_path / page)])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert {name: (tmp_path / name).read_text() for name in contents} == contents
