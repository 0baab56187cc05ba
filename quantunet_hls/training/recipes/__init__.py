"""Recipes: one YAML file for each way to train, every key with a comment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

from quantunet_hls.core.errors import ConfigurationError, UnknownNameError, shown
from quantunet_hls.core.plain_yaml import read_yaml
from quantunet_hls.nets import LayerWidths, UNetConfig
from quantunet_hls.nets.architectures import shape_of
from quantunet_hls.nets.formats import with_formats
from quantunet_hls.training.settings import Augmentation, BoardCost, Settings, WidthLearning

__all__ = ["Recipe", "load", "names"]

_LONGEST_KEY = 80
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """A way to train; the YAML files say what each key means."""

    architecture: str
    depth: int | None
    base_channels: int | None
    upsampling: str | None
    in_channels: int
    quantized: bool
    weights: int | str
    activations: int | str
    outer_layers: list[str] | None
    outer_weights: int
    bias_bits: int
    widths: dict[str, Any] | None
    epochs: int
    batch_size: int
    learning_rate: float
    warmup: float
    weight_decay: float
    seed: int
    mixed_precision: bool
    dice_weight: float
    cross_entropy_weight: float
    patience: int | None
    crop: int | None
    crops_per_image: int
    augmentation: dict[str, Any]

    def with_changes(self, **changes: Any) -> Recipe:
        """The recipe with other values; those that are None stay as they are."""
        return replace(self, **{key: value for key, value in changes.items() if value is not None})

    def network(self) -> UNetConfig:
        """What it trains."""
        shape = shape_of(self.architecture)
        if self.depth is not None or self.base_channels is not None:
            # A list of channels belongs to the named shape alone.
            shape.pop("channels", None)
        for key in ("depth", "base_channels", "upsampling"):
            if getattr(self, key) is not None:
                shape[key] = getattr(self, key)
        if not self.quantized:
            return UNetConfig(**shape, in_channels=self.in_channels, quantized=False, batch_norm=True)
        widths = self._widths(LayerWidths(bias=self.bias_bits))
        outer = replace(widths, weight=self.outer_weights, weight_fraction=None, weight_levels=None)
        return UNetConfig(
            **shape, in_channels=self.in_channels, widths=widths,
            layer_widths=dict.fromkeys(self.outer_layers or (), outer),
        )

    def _widths(self, widths: LayerWidths) -> LayerWidths:
        if self.weights in ("ternary", "binary"):
            widths = replace(widths, weight=2, weight_levels=str(self.weights))
        elif isinstance(self.weights, str):
            widths = with_formats(widths, _of_kind("w", self.weights))
        else:
            widths = replace(widths, weight=self.weights)
        if isinstance(self.activations, str):
            return with_formats(widths, _of_kind("a", self.activations))
        return replace(widths, activation=self.activations)

    def settings(self, board: BoardCost | None = None) -> Settings:
        """How it trains; ``board`` is what bits cost where widths are weighed by a board."""
        learning = None
        if self.widths is not None and self.quantized:
            learning = WidthLearning(**self.widths, board=board)
        elif board is not None:
            raise ConfigurationError("Only learned bit widths can be weighed by a board; take the recipe quantunet.")
        same = {entry.name for entry in fields(Settings)} - {"widths", "augmentation"}
        return Settings(
            **{name: getattr(self, name) for name in same}, widths=learning,
            augmentation=Augmentation(**self.augmentation),
        )


def _of_kind(kind: str, name: str) -> str:
    if not name.startswith(kind):
        raise ConfigurationError(
            f"{shown(name)} is no format of {'weights' if kind == 'w' else 'activations'}; theirs begin with {kind}."
        )
    return name


def names() -> list[str]:
    """The recipes that come with the package, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load(name: str) -> Recipe:
    """A recipe by its name, or from a YAML file of one's own.

    Raises:
        UnknownNameError: no such recipe; names the nearest.
        ConfigurationError: a file that can't be read, or with a key or a value that no recipe has.
    """
    if not name.endswith((".yaml", ".yml")) and name not in names():
        raise UnknownNameError("recipe", name, names())
    path = Path(name) if name.endswith((".yaml", ".yml")) else _FOLDER / f"{name}.yaml"
    return _from_values(path, read_yaml(path, "a recipe"))


def _from_values(path: Path, values: Any) -> Recipe:
    _check(path, "", values, get_type_hints(Recipe), whole=True)
    for section, kind in (("widths", WidthLearning), ("augmentation", Augmentation)):
        if values[section] is not None:
            hints = {key: hint for key, hint in get_type_hints(kind).items() if key != "board"}
            _check(path, f"{section}.", values[section], hints, whole=False)
    return Recipe(**values)


def _check(path: Path, section: str, values: Any, hints: Mapping[str, Any], *, whole: bool) -> None:
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path} is no recipe: {section.rstrip('.') or 'it'} has no keys with values.")
    for key, value in values.items():
        if key not in hints:
            given = str(key)[:_LONGEST_KEY]
            near = get_close_matches(given, hints, n=1)
            raise ConfigurationError(
                f"{path} has the key {section}{given}, which no recipe has" + (f"; did you mean {near[0]}?" if near
                                                                             else "; remove it.")
            )
        if not _fits(value, hints[key]):
            raise ConfigurationError(
                f"{path} gives {section}{key} the value {shown(value)}, which is of the wrong type."
            )
    missing = [key for key in hints if key not in values] if whole else []
    if missing:
        raise ConfigurationError(f"{path} lacks the key {section}{missing[0]}; see the recipes of the package.")


def _fits(value: Any, hint: Any) -> bool:
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    for kind in kinds:
        plain = {list[str]: list, dict[str, Any]: dict}.get(kind, kind)
        if (kind is NoneType and value is None) or (plain is float and type(value) is int):
            return True
        if plain is list and isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            return True
        if plain is not list and type(value) is plain:
            return True
    return False
