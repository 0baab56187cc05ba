import re
from pathlib import Path

import pytest
import yaml

from quantunet_hls.core.errors import ConfigurationError, UnknownNameError
from quantunet_hls.training import recipes

FOLDER = Path(recipes.__file__).parent


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_is_whole_and_every_key_has_a_comment(name):
    recipe = recipes.load(name)
    assert recipe.network().quantized == recipe.quantized
    assert (recipe.settings().widths is not None) == (name == "quantunet")
    lines = (FOLDER / f"{name}.yaml").read_text().splitlines()
    keys = [index for index, line in enumerate(lines) if re.match(r" *[a-z_]+:", line)]
    assert len(keys) >= 25
    for index in keys:
        assert lines[index - 1].lstrip().startswith("#"), lines[index]


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


def write(path, **changes):
    values = yaml.safe_load((FOLDER / "quantunet.yaml").read_text())
    values = {key: value for key, value in (values | changes).items() if value != "gone"}
    path.write_text(yaml.safe_dump(values))
    return str(path)


@pytest.mark.parametrize(("changes", "says"), [
    ({"epoch": 3}, "epoch, which no recipe has; did you mean epochs"),
    ({"widths": {"measures": "mean"}}, "widths.measures"),
    ({"epochs": "many"}, "epochs the value 'many'"),
    ({"quantized": 1}, "quantized the value 1"),
    ({"outer_layers": [1]}, "outer_layers"),
    ({"seed": "gone"}, "lacks the key seed"),
    ({"augmentation": None}, "augmentation"),
])
def test_a_wrong_recipe_is_one_clear_line(tmp_path, changes, says):
    with pytest.raises(ConfigurationError, match=re.escape(says)) as caught:
        recipes.load(write(tmp_path / "mine.yaml", **changes))
    assert "mine.yaml" in str(caught.value)
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
