import os

import pytest

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.outputs import check_outputs


def ours(text):
    return text.startswith("ours")


def refused(path, inputs, match):
    with pytest.raises(ConfigurationError, match=match) as caught:
        check_outputs([(path, ours)], inputs)
    assert "\n" not in str(caught.value)


def test_an_input_is_never_overwritten_by_whatever_name(tmp_path, monkeypatch):
    report = tmp_path / "a.json"
    report.write_text("ours, but read")
    (tmp_path / "link.json").symlink_to(report)
    (tmp_path / "hard.json").hardlink_to(report)
    (tmp_path / "folder").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("a.json", "./folder/a.json", "link.json", "hard.json", str(report)):
        refused(type(report)(name), [report], "is one of the files that are read")
    # The input may be the link.
    refused(report, [tmp_path / "link.json"], "is one of the files that are read")


def test_a_foreign_file_is_never_overwritten(tmp_path):
    (tmp_path / "thesis.md").write_text("# Mine")
    refused(tmp_path / "thesis.md", [], "was not written by this command; remove it")
    for text in ("ours", ""):
        (tmp_path / "thesis.md").write_text(text)
        check_outputs([(tmp_path / "thesis.md", ours)], [])
    check_outputs([(tmp_path / "new" / "file.md", ours)], [tmp_path / "absent.json"])


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for path in (tmp_path / "fifo", tmp_path, type(tmp_path)("/dev/full"), tmp_path / "dangling"):
        refused(path, [], "no regular file")


def test_one_output_is_not_two(tmp_path):
    with pytest.raises(ConfigurationError, match="written twice"):
        check_outputs([(tmp_path / "a.md", ours), (tmp_path / "." / "a.md", ours)], [])
