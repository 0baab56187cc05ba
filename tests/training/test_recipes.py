import re
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml

from quantunet_hls.core.errors import ConfigurationError, UnknownNameError
from quantunet_hls.training import recipes
from quantunet_hls.training.settings import Augmentation, WidthGoal

FOLDER = Path(recipes.__file__).parent


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_is_whole_and_every_key_has_a_comment(name):
    recipe = recipes.load(name)
    assert recipe.network().quantized == recipe.quantized
    assert (recipe.settings().widths is not None) == (name in ("quantunet", "quantunet-original"))
    lines = (FOLDER / f"{name}.yaml").read_text().splitlines()
    keys = [index for index, line in enumerate(lines) if re.match(r" *[a-z_]+:", line)]
    assert keys
    for index in keys:
        assert lines[index - 1].lstrip().startswith("#"), lines[index]


def test_the_recipe_that_others_change_says_every_key():
    values = yaml.safe_load((FOLDER / "uniform.yaml").read_text())
    assert set(values) == {entry.name for entry in fields(recipes.Recipe)}
    assert set(values["augmentation"]) == {entry.name for entry in fields(Augmentation)}
    assert set(yaml.safe_load((FOLDER / "quantunet.yaml").read_text())["widths"]) == {
        entry.name for entry in fields(WidthGoal)}


def test_a_new_recipe_is_a_new_file(tmp_path, monkeypatch):
    copy = shutil.copytree(FOLDER, tmp_path / "recipes")
    monkeypatch.setattr(recipes, "_FOLDER", copy)
    (copy / "patient.yaml").write_text("epochs: 70\nkeep: best\npatience: 5\n")
    assert "patient" in recipes.names()
    assert recipes.load("patient") == replace(recipes.load("uniform"), epochs=70, keep="best", patience=5)
    assert recipes.load("patient").settings().patience == 5


def test_a_recipe_says_only_what_it_changes(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: quantunet\nwidths: {target: 3.5}\naugmentation: {flip: false}\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b.yml").write_text("extends: ../a.yaml\nwidths: {pace: 1}\nseed: 9\n")
    (tmp_path / "c.yaml").write_text("extends: folder/b.yml\nwidths: null\n")
    quantunet = recipes.load("quantunet")
    first = replace(quantunet, widths=replace(quantunet.widths, target=3.5),
                    augmentation=replace(quantunet.augmentation, flip=False))
    second = replace(first, widths=replace(first.widths, pace=1.0), seed=9)
    assert recipes.load(str(tmp_path / "a.yaml")) == first
    assert recipes.load(str(tmp_path / "folder" / "b.yml")) == second
    assert recipes.load(str(tmp_path / "c.yaml")) == replace(second, widths=None)
    (tmp_path / "empty.yaml").write_text("{}")
    assert recipes.load(str(tmp_path / "empty.yaml")) == recipes.load("uniform")
    # Over a recipe without the section, what it doesn't say is as learning has it.
    (tmp_path / "d.yaml").write_text("extends: float\nwidths: {target: 3}\n")
    assert recipes.load(str(tmp_path / "d.yaml")).widths == WidthGoal(target=3.0)


@pytest.mark.parametrize(("files", "says"), [
    ({"mine": "extends: mine.yaml"}, "mine.yaml extends itself"),
    ({"mine": "extends: a.yaml", "a": "extends: b.yaml", "b": "extends: ./a.yaml"}, "a.yaml extends itself"),
    ({"mine": "extends: r0.yaml"} | {f"r{at}": f"extends: r{at + 1}.yaml" for at in range(100)},
     "mine.yaml extends a chain of more than 8 recipes"),
    ({"mine": "extends: quantnet"}, "no recipe named 'quantnet'; the nearest names are: quantunet"),
    ({"mine": "extends: a.yaml"}, "a.yaml does not exist, so it can't be read as a recipe"),
    ({"mine": 'extends: "\\0.yaml"'}, "can't be read as a recipe"),
    ({"mine": f"extends: {'x' * 5000}.yaml"}, "can't be read as a recipe"),
    ({"mine": "extends: /dev/zero"}, "no recipe named '/dev/zero'"),
    ({"mine": "extends: [float]"}, "mine.yaml is no recipe: it extends ['float']; name a recipe"),
    ({"mine": "extends: a.yaml", "a": "epochs: many"}, "a.yaml is no recipe: epochs must be a whole number"),
    ({"mine": "extends: a.yaml\nepochs: []", "a": "seed: 2"}, "mine.yaml is no recipe: epochs must be a whole number"),
])
def test_what_can_t_be_extended_is_one_clear_line(tmp_path, files, says):
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(says)) as caught:
        recipes.load(str(tmp_path / "mine.yaml"))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 1300


def test_the_papers_formats_and_levels_are_in_their_recipes():
    config = recipes.load("fixedpoint-w4a6").network()
    middle = config.widths_of("mida")
    assert (middle.weight, middle.weight_fraction, middle.activation, middle.activation_fraction) == (4, 4, 6, 0)
    first = config.widths_of("enc0b")
    assert (first.weight, first.weight_fraction, first.activation_fraction) == (8, None, 0)
    assert recipes.load("ternary").network().widths_of("mida").weight_levels == "ternary"
    assert recipes.load("ternary").network().widths_of("head").weight == 8


def test_changes_and_named_shapes():
    recipe = recipes.load("quantunet").with_changes(architecture="fixedpoint_paper", epochs=3, depth=None)
    assert recipe.network().level_channels == (64, 128, 256, 256)
    assert recipe.settings().epochs == 3
    assert recipe.with_changes(base_channels=4).network().level_channels == (4, 8, 16, 32)


@pytest.mark.parametrize(("changes", "says"), [
    ({"epoch": 3}, "epoch is no key of it; did you mean epochs?"),
    ({3: 3}, "it can't have the key 3"),
    ({"widths": {"measures": "mean"}}, "widths.measures is no key of it; did you mean measure?"),
    ({"widths": {"board": None}}, "widths.board is no key of it"),
    ({"widths": {"measure": "weather"}}, "Widths are weighed by one of mean, parameters, operations, board, not"),
    ({"epochs": "many"}, "epochs must be a whole number, not 'many'"),
    ({"quantized": 1}, "quantized must be true or false, not 1"),
    ({"outer_layers": [1]}, "outer_layers[0] must be a text, not 1"),
    ({"learning_rate": None}, "learning_rate must be a number, not null"),
    ({"augmentation": None}, "augmentation must be keys with values, not null"),
    ({"augmentation": {"gain": float("nan")}}, "An augmentation's gain is at most 1e+09, not nan"),
])
def test_a_wrong_recipe_is_one_clear_line(tmp_path, changes, says):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(changes))
    with pytest.raises(ConfigurationError, match=re.escape(says)) as caught:
        recipes.load(str(tmp_path / "mine.yaml"))
    assert "mine.yaml is no recipe: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "just text", "- a\n- b", "a: [", "!!python/object/apply:os.system [true]"])
def test_what_is_no_recipe(tmp_path, content):
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(ConfigurationError, match=r"mine\.yaml"):
        recipes.load(str(tmp_path / "mine.yaml"))


def test_unknown_recipes_and_values():
    with pytest.raises(UnknownNameError, match="quantunet"):
        recipes.load("quantnet")
    with pytest.raises(UnknownNameError, match="recipe"):
        recipes.load("../recipes/float")
    with pytest.raises(ConfigurationError, match="format of weights"):
        recipes.load("uniform").with_changes(weights="a6.0").network()
    with pytest.raises(ConfigurationError, match="layer_widths"):
        recipes.load("uniform").with_changes(outer_layers=["enc9a"]).network()
