import json
import shutil

import pytest

from quantunet_hls.core.store import Entry, Key, Store, _plain, content


def key(source="source", code="code", **tools):
    return Key({"source": source}, code, tools or {"tool": "1"})


class Writing:
    """Makes one file, and counts how often."""

    def __init__(self, path, text="text"):
        self.path, self.text, self.times = path, text, 0

    def __call__(self):
        self.times += 1
        self.path.write_text(self.text)
        return {"size": len(self.text)}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "ledger.json")


def test_a_thing_is_made_once(store, tmp_path):
    make = Writing(tmp_path / "a")
    made = store.made("a", key(), make, [tmp_path / "a"])
    again = Store(tmp_path / "ledger.json").made("a", key(), make, [tmp_path / "a"])
    assert make.times == 1
    assert (made.found, again.found) == (False, True)
    assert again.value == made.value == {"size": 4}
    assert again.seconds == made.seconds


@pytest.mark.parametrize("other", [key("another"), key(code="another"), key(tool="2"), key(another="1")])
def test_another_input_code_or_tool_makes_it_anew(store, tmp_path, other):
    make = Writing(tmp_path / "a")
    store.made("a", key(), make, [tmp_path / "a"])
    assert not store.made("a", other, make, [tmp_path / "a"]).found
    assert make.times == 2


def test_the_order_of_names_is_nothing(tmp_path):
    one, other = Key({"a": 1, "b": 2}, "", {"x": "1", "y": "2"}), Key({"b": 2, "a": 1}, "", {"y": "2", "x": "1"})
    assert one.digest == other.digest


@pytest.mark.parametrize("damage", [
    lambda path: path.write_text("tampered"),
    lambda path: path.unlink(),
    lambda path: (path.unlink(), path.mkdir()),
])
def test_damaged_content_is_made_anew(store, tmp_path, damage):
    make = Writing(tmp_path / "a")
    store.made("a", key(), make, [tmp_path / "a"])
    damage(tmp_path / "a")
    assert store.find("a", key()) is None


def test_a_folder_is_compared_file_by_file(store, tmp_path):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_text("text")
    store.put("a", key(), [folder])
    assert store.find("a", key())
    (folder / "inner" / "file").rename(folder / "inner" / "other")
    assert store.find("a", key()) is None


def test_what_was_killed_while_it_was_made_is_not_found(store, tmp_path):
    def killed():
        (tmp_path / "a").write_text("half")
        raise KeyboardInterrupt

    store.made("a", key(), Writing(tmp_path / "a"), [tmp_path / "a"])
    with pytest.raises(KeyboardInterrupt):
        store.made("a", key("another"), killed, [tmp_path / "a"])
    for source in ("source", "another"):
        assert store.find("a", key(source)) is None


def test_a_value_that_was_altered_is_not_found(store, tmp_path):
    store.put("a", key(), value={"lut": 5})
    store.put("b", key(), value={"lut": 6})
    text = (tmp_path / "ledger.json").read_text()
    (tmp_path / "ledger.json").write_text(text.replace('"lut": 5', '"lut": 4'))
    assert store.find("a", key()) is None
    assert store.find("b", key()).value == {"lut": 6}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"made": 1}', '{"made": [1, {}, {"name": "a"}]}', "\x00"])
def test_a_damaged_ledger_costs_time_and_nothing_else(store, tmp_path, text):
    make = Writing(tmp_path / "a")
    store.made("a", key(), make, [tmp_path / "a"])
    (tmp_path / "ledger.json").write_text(text)
    assert not store.made("a", key(), make, [tmp_path / "a"]).found
    assert store.made("a", key(), make, [tmp_path / "a"]).found


def test_it_is_found_where_its_folder_was_moved_to(store, tmp_path):
    (tmp_path / "here").mkdir()
    store = Store(tmp_path / "here" / "ledger.json")
    store.made("a", key(), Writing(tmp_path / "here" / "a"), [tmp_path / "here" / "a"])
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert Store(tmp_path / "there" / "ledger.json").find("a", key())


def test_of_each_name_the_last_few_stay(tmp_path):
    store = Store(tmp_path / "ledger.json", keep=2)
    for source in "xyz":
        store.made("a", key(source), Writing(tmp_path / f"a-{source}"), [tmp_path / f"a-{source}"])
    store.made("b", key(), Writing(tmp_path / "b"), [tmp_path / "b"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-y", "a-z", "b", "ledger.json"]
    assert [source for source in "xyz" if store.find("a", key(source))] == ["y", "z"]


def test_things_of_names_that_nobody_asks_for_go_first(tmp_path, monkeypatch):
    for name in "abcd":
        Store(tmp_path / "ledger.json").made(name, key(), Writing(tmp_path / name), [tmp_path / name])
    monkeypatch.setattr("quantunet_hls.core.store._used", set())
    store = Store(tmp_path / "ledger.json", most=2)
    assert Store(tmp_path / "ledger.json").find("a", key())
    store.made("e", key(), Writing(tmp_path / "e"), [tmp_path / "e"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d", "e", "ledger.json"]


def test_only_things_of_some_names_are_retained(store, tmp_path):
    for name in "abc":
        store.made(name, key(), Writing(tmp_path / name), [tmp_path / name])
    store.retain("ac")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c", "ledger.json"]
    assert store.names() == ["a", "c"]


def test_a_file_that_lies_elsewhere_is_not_removed(tmp_path):
    store = Store(tmp_path / "folder" / "ledger.json")
    for source in "xy":
        store.made("a", key(source), Writing(tmp_path / source), [tmp_path / source])
    assert (tmp_path / "x").exists()
    assert store.find("a", key("y"))


def test_a_ledger_that_somebody_wrote_removes_nothing_elsewhere(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "folder").mkdir()
    theirs = Entry("a", "0", {"../mine": "0"})
    (tmp_path / "folder" / "ledger.json").write_text(json.dumps(_plain([theirs])))
    store = Store(tmp_path / "folder" / "ledger.json")
    assert store.names() == ["a"]
    store.put("a", key())
    assert (tmp_path / "mine").exists()


def test_content_tells_names_and_bytes_apart(tmp_path):
    (tmp_path / "one" / "inner").mkdir(parents=True)
    (tmp_path / "two" / "inner").mkdir(parents=True)
    assert content(tmp_path / "one") == content(tmp_path / "nothing") == ""
    (tmp_path / "one" / "inner" / "a").write_text("x")
    (tmp_path / "two" / "inner" / "a").write_text("x")
    assert content(tmp_path / "one") == content(tmp_path / "two") != ""
    (tmp_path / "two" / "inner" / "a").rename(tmp_path / "two" / "inner" / "b")
    assert content(tmp_path / "one") != content(tmp_path / "two")


def test_the_ledger_says_what_there_is(store, tmp_path):
    store.made("a", key(), Writing(tmp_path / "a"), [tmp_path / "a"])
    (entry,) = json.loads((tmp_path / "ledger.json").read_text())["made"]
    assert entry["files"] == {"a": content(tmp_path / "a")}
