"""Recipes: one YAML file for each way to train, every key with a comment.

A recipe says what it changes in another (``extends``: a recipe of the package by name, or a YAML file beside it);
where it names none, in ``uniform``, which has every key.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from quantunet_hls.core.decode import converted
from quantunet_hls.core.errors import ConfigurationError, UnknownNameError, shown
from quantunet_hls.core.plain_yaml import read_yaml
from quantunet_hls.nets import LayerWidths, UNetConfig
from quantunet_hls.nets.architectures import shape_of
from quantunet_hls.nets.formats import with_formats
from quantunet_hls.training.settings import Augmentation, BoardCost, Settings, WidthGoal, WidthLearning

__all__ = ["Recipe", "load", "names"]

_FOLDER = Path(__file__).parent
_SUFFIXES = (".yaml", ".yml")
#: What a recipe changes that doesn't say what it extends.
_BASE = "uniform"
#: Recipes that extend one another, the base included.
_LONGEST_CHAIN = 8


@dataclass(frozen=True)
class Recipe:
    """A way to train; the YAML files say what each key means."""

    architecture: str
    depth: int | None
    base_channels: int | None
    upsampling: str | None
    in_channels: int
    classes: int
    quantized: bool
    weights: int | str
    activations: int | str
    outer_layers: tuple[str, ...] | None
    outer_weights: int
    bias_bits: int
    widths: WidthGoal | None
    epochs: int
    batch_size: int
    learning_rate: float
    warmup: float
    weight_decay: float
    seed: int
    mixed_precision: bool
    compiled: bool
    dice_weight: float
    cross_entropy_weight: float
    tversky_weight: float
    tversky_missed: float
    focal_weight: float
    deep_supervision: float
    distillation: float
    average: float
    keep: str
    patience: int | None
    crop: int | None
    crops_per_image: int
    augmentation: Augmentation

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
        # A single kind of foreground is one logit; several have one each, and so has the background.
        shape |= {"in_channels": self.in_channels, "classes": self.classes + 1 if self.classes > 1 else self.classes}
        if not self.quantized:
            return UNetConfig(**shape, quantized=False, batch_norm=True)
        widths = self._widths(LayerWidths(bias=self.bias_bits))
        outer = replace(widths, weight=self.outer_weights, weight_fraction=None, weight_levels=None)
        return UNetConfig(
            **shape, widths=widths, layer_widths=dict.fromkeys(self.outer_layers or (), outer),
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
            learning = WidthLearning(**vars(self.widths), board=board)
        elif board is not None:
            raise ConfigurationError("Only learned bit widths can be weighed by a board; take the recipe quantunet.")
        same = {entry.name for entry in fields(Settings)} - {"widths"}
        return Settings(**{name: getattr(self, name) for name in same}, widths=learning)


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
        ConfigurationError: a file that can't be read, with a key or a value that no recipe has, or one that extends
            itself or a long chain of others.
    """
    return _read(_path(name, Path()), ())[0]


def _path(name: str, folder: Path) -> Path:
    if name.endswith(_SUFFIXES):
        return folder / name
    if name not in names():
        raise UnknownNameError("recipe", name, names())
    return _FOLDER / f"{name}.yaml"


def _read(path: Path, above: tuple[Path, ...]) -> tuple[Recipe, dict[str, Any]]:
    """A recipe and all of its plain values; ``above`` are the files that extend it."""
    values = read_yaml(path, "a recipe")
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path} is no recipe: it has no keys with values; see the recipes of the package.")
    here = path.resolve()
    if here in above:
        raise ConfigurationError(f"{path} extends itself, be it through others; let one of them extend another recipe.")
    if len(above) == _LONGEST_CHAIN:
        raise ConfigurationError(
            f"{above[0]} extends a chain of more than {_LONGEST_CHAIN} recipes; write what it needs into one of them."
        )
    is_base = here == (_FOLDER / f"{_BASE}.yaml").resolve()
    extended = values.pop("extends", None if is_base else _BASE)
    if extended is not None:
        values = _changed(_read(_extended(path, extended), (*above, here))[1], values)
    return converted(Recipe, values, f"{path} is no recipe", "see the recipes of the package"), values


def _extended(path: Path, name: object) -> Path:
    if not isinstance(name, str):
        raise ConfigurationError(
            f"{path} is no recipe: it extends {shown(name)}; name a recipe of the package or a YAML file beside it."
        )
    return _path(name, path.parent)


def _changed(values: dict[str, Any], changes: dict[Any, Any]) -> dict[Any, Any]:
    """Values with others in their places, sections key by key."""
    return values | {
        key: values[key] | part if isinstance(part, dict) and isinstance(values.get(key), dict) else part
        for key, part in changes.items()
    }
