"""Where the zoo's checkpoints lie: those that come with the package, the user's own, and those that were fetched.

A name is looked up in the first two; of an entry whose checkpoint is too large to come along, only the card lies there.
Nothing here needs torch, so names and places are told at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from quantunet_hls.core.errors import ConfigurationError, UnknownNameError

__all__ = ["Place", "card_file", "check_free", "checkpoint_of", "fetched_folder", "names", "own_folder", "places",
           "shipped_folder"]

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Place:
    """Where the entry of a name lies.

    Attributes:
        folder: that its two files are in.
        own: whether it is the user's, not one that comes with the package.
        hides_shipped: whether one of that name comes with the package as well; the user's is taken.
    """

    folder: Path
    own: bool = False
    hides_shipped: bool = False


def shipped_folder() -> Path:
    """The checkpoints that come with the package: inside it where it is installed, beside it in its repository."""
    inside = _PACKAGE / "model_zoo"
    return inside if inside.is_dir() else _PACKAGE.parent / "model_zoo"


def own_folder() -> Path:
    """The user's own checkpoints: ``QUANTUNET_HLS_ZOO`` of the environment, or ``zoo/`` in the user's data folder."""
    override = os.environ.get("QUANTUNET_HLS_ZOO")
    return Path(override) if override else user_data_path("quantunet-hls", appauthor=False) / "zoo"


def fetched_folder() -> Path:
    """Checkpoints whose cards alone come with the package: ``fetched/`` in the user's data folder."""
    return user_data_path("quantunet-hls", appauthor=False) / "fetched"


def places() -> Mapping[str, Place]:
    """Every entry by its name, sorted. Of two with one name the user's own is taken, so that it keeps its meaning
    when the package is updated.
    """
    shipped, own = shipped_folder(), own_folder()
    found = {name: Place(shipped) for name in _stems(shipped)}
    if own.resolve() != shipped.resolve():
        found |= {name: Place(own, own=True, hides_shipped=name in found) for name in _stems(own)}
    return dict(sorted(found.items()))


def names() -> tuple[str, ...]:
    """Names of the zoo's entries, sorted; none where there is no zoo."""
    return tuple(places())


def card_file(name: str) -> Path:
    """The card of an entry.

    Raises:
        UnknownNameError: no entry of that name; names the nearest.
        ConfigurationError: no entry at all.
    """
    known = places()
    if not known:
        raise ConfigurationError(
            f"Neither {shipped_folder()} nor {own_folder()} has networks; install the package anew, "
            "set QUANTUNET_HLS_ZOO to a folder that has some, or give a checkpoint's path."
        )
    if name not in known:
        raise UnknownNameError("zoo entry", name, tuple(known), "quantunet-hls zoo")
    return known[name].folder / f"{name}.json"


def checkpoint_of(name: str) -> Path:
    """The ``.pt`` file of an entry, beside its card or fetched; it need not exist.

    Raises:
        ConfigurationError: as :func:`card_file`.
    """
    beside, fetched = card_file(name).with_suffix(".pt"), fetched_folder() / f"{name}.pt"
    return fetched if fetched.exists() and not beside.exists() else beside


def check_free(name: str) -> None:
    """Whether a checkpoint of the user's may have this name.

    Raises:
        ConfigurationError: where one that comes with the package has it. In the package's own zoo, which
            ``QUANTUNET_HLS_ZOO`` must name for that, any checkpoint may be made anew.
    """
    if own_folder().resolve() != shipped_folder().resolve() and name in _stems(shipped_folder()):
        raise ConfigurationError(f"A network that comes with the package is called {name}; choose another name.")


def _stems(folder: Path) -> tuple[str, ...]:
    return tuple(file.stem for file in folder.glob("*.json"))
