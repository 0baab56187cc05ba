"""Folders to work in."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from quantunet_hls.core.errors import QuantUNetError
from quantunet_hls.core.workshop import clear, is_plain, keep, workshop

ODD = ["a b", "a'b", 'a"b', "a$b", "a\nb", "größe", "a%b", "a:b", "a=b", "a#b", "a~b", "a\\b", "a;b", "a(b", "-a",
       os.fsdecode(b"\xff")]


@pytest.mark.parametrize("name", ["a", "A_1.2+x-y", "a.b"])
def test_a_plain_path_is_worked_in(tmp_path, name):
    with workshop(tmp_path / name) as folder:
        assert folder.parent == tmp_path / name
        (folder / "file").touch()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list((tmp_path / name).iterdir()) == []


@pytest.mark.parametrize("name", ODD)
def test_an_odd_path_is_not(tmp_path, monkeypatch, name):
    assert not is_plain(tmp_path / name)
    (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
    with workshop(tmp_path / name) as folder:
        assert is_plain(folder)
        assert list((tmp_path / name).iterdir()) == []
    assert not folder.exists()


def test_a_plain_link_to_an_odd_place_is_odd(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "plain").symlink_to(tmp_path / "a b")
    assert not is_plain(tmp_path / "plain")


def test_no_plain_place_at_all_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "a b").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a b"))
    monkeypatch.setattr("quantunet_hls.core.workshop._OTHER_ROOTS", (str(tmp_path / "gone"),))
    with pytest.raises(QuantUNetError, match=r"a b' is no folder that all tools can work in; set TMPDIR"), workshop():
        pass


def test_a_place_that_can_not_be_written_is_one_sentence():
    with pytest.raises(QuantUNetError, match="can't be used"), workshop(Path("/dev/full/x")):
        pass


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_another_uses_is_not(tmp_path):
    code = ("import sys, time; from pathlib import Path; from quantunet_hls.core.workshop import workshop\n"
            "with workshop(Path(sys.argv[1])) as folder:\n"
            "    (folder / 'file').touch(); print(folder, flush=True); time.sleep(60)\n")
    others = [subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
              for _ in range(2)]
    try:
        killed, used = (Path(other.stdout.readline().strip()) for other in others)
        others[0].send_signal(signal.SIGKILL)
        others[0].wait()
        assert killed.exists()
        with workshop(tmp_path):
            assert not killed.exists()
            assert used.exists()
    finally:
        for other in others:
            other.kill()
            other.wait()
            other.stdout.close()


def test_only_what_is_half_made_is_cleared(tmp_path):
    (tmp_path / "kept").touch()
    (tmp_path / "x.part").touch()
    (tmp_path / "y.part" / "inner").mkdir(parents=True)
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("other_system", [False, True])
def test_what_was_made_comes_to_its_place_with_its_permissions(tmp_path, monkeypatch, other_system):
    if other_system:
        monkeypatch.setattr("pathlib.Path.rename", _across)
    with workshop(tmp_path) as folder:
        (folder / "program").write_text("#!/bin/sh\n")
        (folder / "program").chmod(0o755)
        keep(folder / "program", tmp_path / "inner" / "program")
    assert stat.S_IMODE((tmp_path / "inner" / "program").stat().st_mode) == 0o755
    assert [path.name for path in (tmp_path / "inner").iterdir()] == ["program"]


def _across(path, target):
    raise OSError(18, "Invalid cross-device link")


def test_a_folder_that_another_process_removes_at_once_is_made_again(monkeypatch, tmp_path):
    made, seen = tempfile.mkdtemp, []

    def removed_at_first(**names):
        folder = made(**names)
        if not seen:
            Path(folder).rmdir()
        seen.append(folder)
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", removed_at_first)
    with workshop(tmp_path) as folder:
        assert folder.is_dir()
    assert len(seen) == 2
