"""Whose a folder is, and who works in it."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from quantunet_hls.core import folders
from quantunet_hls.core.errors import ConfigurationError, QuantUNetError, StepError
from quantunet_hls.core.folders import check_writable, claim, exclusively, is_claimed, one_writer, refuse_foreign_file
from quantunet_hls.reports.schema import Report


def test_a_folder_that_we_made_is_ours_from_then_on(tmp_path):
    folder = tmp_path / "a b" / "design"
    claim(folder, "design")
    (folder / "anything").touch()
    claim(folder, "design")
    assert is_claimed(folder)
    assert not is_claimed(folder.parent)


def test_an_empty_folder_becomes_ours(tmp_path):
    claim(tmp_path, "design")
    assert is_claimed(tmp_path)


@pytest.mark.parametrize("name", ["project", ".hidden", "steps.json"])
def test_somebody_elses_folder_is_left_as_it_is(tmp_path, name):
    (tmp_path / name).write_text("theirs")
    with pytest.raises(ConfigurationError, match=rf"files that are not quantunet-hls's, such as '{name}'; choose"):
        claim(tmp_path, "design", earlier=lambda folder: False)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["theirs"]


def test_what_an_earlier_version_made_is_ours(tmp_path):
    (tmp_path / "steps.json").write_text("{}")
    claim(tmp_path, "design", earlier=lambda folder: (folder / "steps.json").is_file())
    assert is_claimed(tmp_path)


def test_what_only_resembles_an_earlier_versions_folder_is_not(tmp_path):
    def fails(folder):
        raise QuantUNetError("no")

    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="not quantunet-hls's"):
        claim(tmp_path, "design", earlier=fails)


def test_a_folder_has_one_kind(tmp_path):
    claim(tmp_path, "training")
    with pytest.raises(ConfigurationError, match="is no folder of a design"):
        claim(tmp_path, "design")


@pytest.mark.parametrize("text", ["", "[]", "{}", "\x00"])
def test_a_damaged_mark_is_no_mark(tmp_path, text):
    (tmp_path / folders.MARKER).write_text(text)
    with pytest.raises(ConfigurationError):
        claim(tmp_path, "design")


def test_a_link_is_not_followed_wherever_it_is(tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.symlink_to(theirs)
    with pytest.raises(ConfigurationError, match="ours is a symbolic link"):
        claim(ours, "design")
    assert list(theirs.iterdir()) == []
    ours.unlink()
    claim(ours, "design")
    (ours / "rtl").mkdir()
    for place in ("rtl/simulation", "report.json", ".lock"):
        (ours / place).symlink_to(theirs)
        with pytest.raises(ConfigurationError, match=rf"{place} is a symbolic link.*remove it\."):
            claim(ours, "design")
        (ours / place).unlink()
    claim(ours, "design")


def test_a_folder_of_projects_may_be_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "projects").symlink_to(tmp_path / "elsewhere")
    claim(tmp_path / "projects" / "design", "design")
    assert is_claimed(tmp_path / "elsewhere" / "design")


@pytest.mark.parametrize("place", ["/dev/full/design", "/proc/design", "file/design"])
def test_no_place_for_a_folder_is_one_sentence(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(QuantUNetError, match=r"can't be read or written .*name another folder\.$"):
        claim(Path(place), "design")


def test_a_mark_that_can_not_be_written_leaves_no_folder(tmp_path, monkeypatch):
    def full(path, value):
        raise QuantUNetError("full")

    monkeypatch.setattr(folders, "write_json", full)
    with pytest.raises(QuantUNetError, match="full"):
        claim(tmp_path / "design", "design")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [
    lambda path: path.write_text("mine"), lambda path: path.write_text("{}"), lambda path: path.mkdir(),
    lambda path: path.symlink_to("gone"), lambda path: os.mkfifo(path),
])
def test_a_file_that_is_no_report_is_not_to_be_overwritten(tmp_path, make):
    refuse_foreign_file(tmp_path / "net.json", "report", Report.load)
    make(tmp_path / "net.json")
    with pytest.raises(ConfigurationError, match=r"net\.json is no report of quantunet-hls and would be overwritten"):
        refuse_foreign_file(tmp_path / "net.json", "report", Report.load)


def hold(folder, ready, release):
    with exclusively(folder):
        ready.set()
        release.wait(30)


@pytest.fixture
def other(tmp_path):
    """A process that works in ``tmp_path / "design"``, and what lets it go on."""
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path / "design", ready, release))
    process.start()
    assert ready.wait(60)
    yield process, release
    process.kill()
    process.join()


def enter(folder):
    with exclusively(folder):
        pass


def test_a_second_run_is_told_to_wait_until_the_first_has_ended(tmp_path, other):
    process, release = other
    with pytest.raises(StepError, match=r"Another run is at work in .*; wait for it"):
        enter(tmp_path / "design")
    release.set()
    process.join()
    enter(tmp_path / "design")
    assert list((tmp_path / "design").iterdir()) == []


def test_a_run_that_was_killed_is_followed_at_once(tmp_path, other):
    process, _ = other
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert list((tmp_path / "design").iterdir()) != []
    began = time.monotonic()
    enter(tmp_path / "design")
    assert time.monotonic() - began < 5
    assert list((tmp_path / "design").iterdir()) == []


def elsewhere(folder, monkeypatch):
    """Make it look as if a run on another machine held the folder, with a shorter lease."""
    monkeypatch.setattr(folders, "_LEASE_S", 1.5)
    monkeypatch.setattr(folders, "_HEARTBEAT_S", 0.2)
    with exclusively(folder):
        (held,) = folder.iterdir()
        lines = held.read_text().splitlines()
    held.write_text("".join("host=elsewhere\n" if line.startswith("host=") else f"{line}\n" for line in lines))
    return held


def test_a_run_on_another_machine_that_shows_no_life_is_followed(tmp_path, monkeypatch):
    elsewhere(tmp_path, monkeypatch)
    began = time.monotonic()
    enter(tmp_path)
    assert time.monotonic() - began > 1.4


def test_a_run_on_another_machine_that_lives_is_waited_for(tmp_path, monkeypatch):
    held = elsewhere(tmp_path, monkeypatch)
    context = multiprocessing.get_context("spawn")
    renewing = context.Process(target=renew, args=(held,))
    renewing.start()
    try:
        before = held.stat().st_mtime_ns
        while held.stat().st_mtime_ns == before:
            time.sleep(0.05)
        with pytest.raises(StepError, match="Another run is at work"):
            enter(tmp_path)
    finally:
        renewing.kill()
        renewing.join()


def renew(path):
    while True:
        os.utime(path)
        time.sleep(0.2)


def test_a_lost_lease_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "_LEASE_S", 0.5)
    monkeypatch.setattr(folders, "_HEARTBEAT_S", 0.1)

    def work():
        with exclusively(tmp_path) as still_ours:
            still_ours()
            for path in tmp_path.iterdir():
                path.unlink()
            end = time.monotonic() + 10
            while time.monotonic() < end:
                still_ours()
                time.sleep(0.05)

    with pytest.raises(StepError, match="Another run has begun"):
        work()


def test_a_link_in_the_locks_place_is_neither_followed_nor_kept(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    folder = tmp_path / "design"
    folder.mkdir()
    (folder / ".running").symlink_to(theirs)
    (folder / ".lock").symlink_to(theirs)
    enter(folder)
    assert theirs.read_text() == "theirs"
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_what_was_left_half_made_is_cleared_away(tmp_path):
    kept = tmp_path / "rtl" / "kept.v"
    (tmp_path / "rtl" / "quantunet-x.part" / "inner").mkdir(parents=True)
    kept.write_text("")
    (tmp_path / "rtl" / "csim.12.part").write_text("")
    (tmp_path / ".steps.json.abc.part").write_text("")
    (tmp_path / "link.part").symlink_to(kept)
    enter(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept.v", "link.part", "rtl"]


def add(path, start):
    start.wait(60)
    for _ in range(20):
        with one_writer(path):
            number = int(path.read_text())
            time.sleep(0.002)
            path.write_text(str(number + 1))


def test_writers_of_a_file_take_turns(tmp_path):
    path = tmp_path / "number"
    path.write_text("0")
    context = multiprocessing.get_context("spawn")
    start = context.Event()
    writers = [context.Process(target=add, args=(path, start)) for _ in range(3)]
    for writer in writers:
        writer.start()
    start.set()
    for writer in writers:
        writer.join()
    assert path.read_text() == "60"
    assert [file.name for file in tmp_path.iterdir()] == ["number"]


def test_the_links_of_a_killed_build_do_not_keep_a_run_from_resuming(tmp_path):
    claim(tmp_path / "design", "design")
    left = tmp_path / "design" / "rtl" / "quantunet-x.part"
    left.mkdir(parents=True)
    (tmp_path / "theirs").mkdir()
    (left / "verilator").symlink_to(tmp_path / "theirs")
    claim(tmp_path / "design", "design")
    enter(tmp_path / "design")
    assert not left.exists()
    assert (tmp_path / "theirs").is_dir()


def test_a_folder_that_takes_no_files(tmp_path):
    check_writable(tmp_path / "to" / "be" / "made")
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigurationError, match="can't be written to"):
            check_writable(folder)
