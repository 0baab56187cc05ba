import errno
import hashlib
import os
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core import files
from quantunet_hls.core.errors import ConfigurationError, DataError, QuantUNetError


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_a_text_is_written_with_its_folders(tmp_path):
    path = tmp_path / "a b" / "c'd" / "text.txt"
    files.write_text(path, "größer\n")
    assert path.read_bytes() == "größer\n".encode()
    assert names(path.parent) == ["text.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("old")

    def interrupted():
        with files.writing(path) as temporary:
            temporary.write_text("half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["text.txt"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path):
    def write():
        with files.writing(tmp_path / "text.txt"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(QuantUNetError, match=r"No space left on device.*free some space"):
        write()
    assert names(tmp_path) == []


def test_a_file_where_a_folder_must_be_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(QuantUNetError, match="can't be written"):
        files.write_text(tmp_path / "file" / "text.txt", "")


def test_a_written_file_has_the_permissions_of_any_other(tmp_path):
    old = os.umask(0o027)
    try:
        files.write_text(tmp_path / "text.txt", "")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "text.txt").stat().st_mode) == 0o640


@given(PLAIN)
def test_json_comes_back_as_it_was(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "value.json"
    files.write_json(path, value)
    assert files.read_json(path) == value


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_does_not_have_is_not_written(tmp_path, number):
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(tmp_path / "value.json", number)
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe", b"not json"])
def test_damaged_json_is_one_sentence(tmp_path, content):
    path = tmp_path / "value.json"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="can't be read as JSON"):
        files.read_json(path)


def test_absent_json_is_one_sentence(tmp_path):
    with pytest.raises(ConfigurationError, match="can't be read as JSON"):
        files.read_json(tmp_path / "value.json")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def bound_socket(path: Path) -> None:
    # The path of a socket has a short limit; a relative one keeps to it.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


READERS = [files.read_json, files.sha256_file, lambda path: files.read_bytes(path, 100), files.open_regular]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(("make", "kind"), [(pipe, "a named pipe"), (link_to_device, "a device"),
                                            (Path.mkdir, "a folder"), (bound_socket, "a socket"),
                                            (lambda path: None, "does not exist")])
def test_what_is_no_regular_file_is_one_sentence_and_never_waits(tmp_path, make, kind, read):
    path = tmp_path / "value.json"
    make(path)
    with pytest.raises(ConfigurationError, match=kind):
        read(path)


@pytest.mark.parametrize("name", ["x" * 5000, "a/" * 3000, "nul\0byte"])
def test_an_impossible_name_is_one_sentence(name):
    with pytest.raises(ConfigurationError, match="can't be read"):
        files.read_json(Path(name))


def test_a_reader_raises_what_its_caller_calls_it(tmp_path):
    with pytest.raises(DataError, match="can't be read as an image"):
        files.open_regular(tmp_path, what="an image", error=DataError)


def test_a_file_up_to_the_limit_is_read_and_a_larger_one_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert files.read_bytes(path, 10) == b"x" * 10
    with pytest.raises(ConfigurationError, match="10 bytes, and 9 are the limit"):
        files.read_bytes(path, 9)
    # This one says that it is empty.
    with pytest.raises(ConfigurationError, match="more than 9 bytes"):
        files.read_bytes(Path("/proc/self/maps"), 9)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "[" * 100_000, "1" * 5000])
def test_what_is_no_json_by_the_standard_is_refused(tmp_path, text):
    path = tmp_path / "value.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="can't be read as JSON"):
        files.read_json(path)


@given(st.binary())
def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("hash") / "file"
    path.write_bytes(content)
    assert files.sha256_file(path) == hashlib.sha256(content).hexdigest()


@given(st.dictionaries(st.text(), st.integers()))
def test_the_hash_of_a_value_does_not_depend_on_the_order_of_its_keys(value):
    turned = dict(reversed(value.items()))
    assert files.sha256_json(value) == files.sha256_json(turned)


def test_the_hash_of_a_value_depends_on_what_is_in_it():
    values = [None, 0, 1, "0", [], [0], {}, {"a": 0}, {"a": "0"}, {"b": 0}]
    assert len({files.sha256_json(value) for value in values}) == len(values)


@pytest.mark.parametrize("name", ["a", "unet", "Unet_8_3", "x" * 63])
def test_a_good_name_is_returned(name):
    assert files.check_name("project", name) == name


@pytest.mark.parametrize("name", ["", "8bit", "_a", "a-b", "a b", "a/b", "..", "a;b", "a$b", "a\n", "ä", "x" * 64])
def test_a_bad_name_is_refused(name):
    with pytest.raises(ConfigurationError, match="can't be the name of a project"):
        files.check_name("project", name)


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"\udfff": 1}', r'[["x\ud83d y"]]'])
def test_halves_of_characters_are_refused_and_whole_ones_read(tmp_path, text):
    path = tmp_path / "value.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="can't be read as JSON") as caught:
        files.read_json(path)
    str(caught.value).encode()
    path.write_text(r'"\ud83d\ude00 \\ud800"')
    assert files.read_json(path) == "\U0001f600 \\ud800"


def test_what_is_no_file_stays_what_it_is_and_gets_the_contents(tmp_path):
    reader, writer = os.pipe()
    device = tmp_path / "stdout"
    device.symlink_to(f"/proc/self/fd/{writer}")
    files.write_text(device, "shown")
    os.close(writer)
    with os.fdopen(reader) as stream:
        assert stream.read() == "shown"
    assert device.is_symlink()
    with pytest.raises(QuantUNetError, match=r"/dev/full can't be written \(No space left on device\)"):
        files.write_text(Path("/dev/full"), "text")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
