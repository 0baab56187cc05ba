import pytest

from quantunet_hls.core.errors import ConfigurationError, UnknownNameError
from quantunet_hls.zoo import folders as zoo_folders
from quantunet_hls.zoo.folders import check_free, checkpoint_of, names, own_folder, places, shipped_folder


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A zoo that ships and one of the user's, with two entries each and one name in both."""
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    for folder, entries in ((shipped, ("both", "theirs")), (own, ("mine", "both"))):
        folder.mkdir()
        for name in entries:
            (folder / f"{name}.json").write_text("{}")
    monkeypatch.setattr(zoo_folders, "shipped_folder", lambda: shipped)
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(own))
    return shipped, own


def test_a_name_is_looked_up_in_both_and_the_users_own_is_taken_first(folders):
    shipped, own = folders
    assert names() == ("both", "mine", "theirs")
    assert checkpoint_of("theirs") == shipped / "theirs.pt"
    assert checkpoint_of("mine") == own / "mine.pt"
    assert checkpoint_of("both") == own / "both.pt"
    assert {name: (place.own, place.hides_shipped) for name, place in places().items()} == {
        "both": (True, True), "mine": (True, False), "theirs": (False, False)}


def test_a_name_of_neither_gets_the_nearest_of_both(folders):
    for name in ("theirz", "minne"):
        with pytest.raises(UnknownNameError, match="theirs" if name == "theirz" else "mine"):
            checkpoint_of(name)


def test_a_name_that_ships_is_not_free_and_any_other_is(folders):
    check_free("mine")
    check_free("new")
    with pytest.raises(ConfigurationError, match="another name"):
        check_free("theirs")


def test_the_packages_own_zoo_can_be_made_anew_where_it_is_named(folders, monkeypatch):
    shipped, _ = folders
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(shipped.parent / "own" / ".." / "shipped"))
    check_free("theirs")
    assert not any(place.own for place in places().values())


def test_no_zoo_at_all_says_what_to_do(folders, monkeypatch, tmp_path):
    monkeypatch.setattr(zoo_folders, "shipped_folder", lambda: tmp_path / "gone")
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(tmp_path / "none"))
    assert names() == ()
    with pytest.raises(ConfigurationError, match="QUANTUNET_HLS_ZOO"):
        checkpoint_of("anything")


def test_without_the_variable_the_users_own_lie_in_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("QUANTUNET_HLS_ZOO")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert own_folder() == tmp_path / "quantunet-hls" / "zoo"
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", "")
    assert own_folder() == tmp_path / "quantunet-hls" / "zoo"


def test_an_installed_package_has_its_zoo_inside_and_a_repository_has_it_beside(monkeypatch, tmp_path):
    package = tmp_path / "quantunet_hls"
    monkeypatch.setattr(zoo_folders, "_PACKAGE", package)
    assert shipped_folder() == tmp_path / "model_zoo"
    (package / "model_zoo").mkdir(parents=True)
    assert shipped_folder() == package / "model_zoo"
