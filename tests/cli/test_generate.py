import pytest

from quantunet_hls import cli
from tests.builders import small_unet


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return ended.value.code, out, err


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "my net.onnx"
    path.write_bytes(small_unet().proto("t16").SerializeToString())
    return path


def folders(tmp_path):
    return ["--projects", tmp_path / "p q", "--reports", tmp_path / "r;s"]


def test_a_part_of_the_flow_and_where_its_files_are(capsys, net, tmp_path):
    arguments = ["generate", net, "--board", "zcu104", "--to", "project", *folders(tmp_path)]
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert "my_net_zcu104" in out
    assert str(tmp_path / "p q" / "my_net_zcu104" / "project") in out
    assert (tmp_path / "p q" / "my_net_zcu104" / "project" / "firmware" / "my_net_zcu104.cpp").is_file()
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert out.count("unchanged") == 3


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "Give a board"),
    (["--board", "zcu1044"], "zcu104"),
    (["--board", "zcu104", "--name", "a b"], "can't be the name of a project"),
    (["--board", "zcu104", "--from", "fly"], "no step named"),
    (["--board", "zcu104", "--toolchain", "fly"], "no tool chain"),
    (["--board", "zcu104", "--size", 2, 4, 6], "fixes its own image size"),
    (["--board", "zcu104", "--multipliers", 0], "budget of 0"),
])
def test_bad_input_is_one_sentence_and_exit_code_two(capsys, net, tmp_path, arguments, message):
    code, _, err = run(capsys, "generate", net, *folders(tmp_path), *arguments)
    assert code == 2
    assert message in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x08\x08"])
@pytest.mark.parametrize("command", ["generate", "csim"])
def test_a_file_that_is_no_network(capsys, tmp_path, data, command):
    (tmp_path / "bad.onnx").write_bytes(data)
    code, _, err = run(capsys, command, tmp_path / "bad.onnx", "--board", "zcu104", *folders(tmp_path))
    assert code == 2
    assert "bad.onnx" in err
    assert err.count("\n") == 1
    assert not list((tmp_path / "p q").rglob("*.onnx"))
