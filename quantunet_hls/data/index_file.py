"""``index.csv`` of a data folder: what each file's fold is, and the kind of its foreground."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from quantunet_hls.core.errors import DataError, shown
from quantunet_hls.core.files import read_bytes

__all__ = ["Kinds", "kinds_in", "kinds_of", "read_index"]

Value = TypeVar("Value")

_INDEX_BYTES = 16 << 20
_LONGEST_REASON = 200
_MOST_KINDS = 255
_FORMS = {"fold": ", a whole number"}


@dataclass(frozen=True)
class Kinds:
    """Kinds of foreground of a data folder's images, such as three kinds of tumours: a class each where told apart.

    Attributes:
        names: of all kinds of the folder, sorted; they are the classes 1, 2 and so on.
        classes: of each image the class of its foreground; 0 where it has none.
    """

    names: tuple[str, ...]
    classes: tuple[int, ...]

    def at(self, places: npt.NDArray[np.integer]) -> Kinds:
        """Those of the images at some places."""
        return replace(self, classes=tuple(self.classes[place] for place in places))

    def classes_in(self, foreground: npt.NDArray[np.bool_], classes: int, files: Sequence[str]
                   ) -> npt.NDArray[np.uint8]:
        """Masks with class indices, uint8 (N, H, W).

        Args:
            foreground: (N, H, W).
            classes: that a network tells apart, the background among them.
            files: names of the images, for messages.

        Raises:
            DataError: another number of kinds, or foreground in an image that has no kind.
        """
        if len(self.names) != classes - 1:
            raise DataError(
                f"The network tells {classes - 1} kinds of foreground apart and the column class of index.csv has "
                f"{len(self.names)} ({', '.join(map(shown, self.names[:8]))}); train one with --classes "
                f"{len(self.names)}, or take the data that it was trained on."
            )
        own = np.array(self.classes, np.uint8)
        lost = foreground.any(axis=(1, 2)) & (own == 0)
        if lost.any():
            raise DataError(
                f"{files[int(lost.argmax())]} has foreground in its mask and no class in index.csv; write it there."
            )
        return np.where(foreground, own[:, None, None], np.uint8(0))


def kinds_in(folder: Path) -> tuple[str, ...]:
    """Kinds of foreground in a data folder, the column ``class`` of its index, sorted.

    Raises:
        DataError: no index, or none with that column.
    """
    return tuple(sorted(set(read_index(Path(folder) / "index.csv", "class", str).values()) - {""}))


def kinds_of(folder: Path, names: Sequence[str]) -> Kinds | None:
    """Kinds of some images; None where no index says them all."""
    try:
        kind_of = read_index(folder / "index.csv", "class", str)
    except DataError:
        # Who needs kinds is told so; an index may have other columns, or be missing.
        return None
    every = tuple(sorted(set(kind_of.values()) - {""}))
    # A mask holds its classes in a byte; so many kinds are no kinds.
    if not set(names) <= set(kind_of) or len(every) > _MOST_KINDS:
        return None
    class_of = {"": 0, **{kind: place for place, kind in enumerate(every, start=1)}}
    return Kinds(every, tuple(class_of[kind_of[name]] for name in names))


def read_index(file: Path, column: str, form: Callable[[str], Value]) -> dict[str, Value]:
    """A column of an index, by the names of the files.

    Args:
        file: the index.
        column: its name.
        form: makes a value of a text, or raises ValueError.

    Raises:
        DataError: no such file or column, a value that is none, or a name that is no plain file's or is there twice.
    """
    if not _exists(file):
        raise DataError(f"{file} does not exist, and a split by {column} needs it; add it.")
    content = read_bytes(file, _INDEX_BYTES, what="an index", error=DataError)
    value_of: dict[str, Value] = {}
    try:
        # Spreadsheets put a byte order mark before the first column's name.
        for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")):
            name = row["file"]
            if Path(name).name != name or name in {"", ".", ".."}:
                raise DataError(f"{file} lists {shown(name)}, which is no plain file name; keep the images in images/.")
            if name in value_of:
                raise DataError(f"{file} lists {shown(name)} twice; keep one line for each file.")
            value_of[name] = form(_text(row[column]))
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        reason = str(error)[:_LONGEST_REASON]
        raise DataError(
            f"{file} can't be read as an index ({reason}); it needs the columns file and {column}"
            f"{_FORMS.get(column, '')}."
        ) from error
    return value_of


def _text(value: str | None) -> str:
    if value is None:
        raise ValueError("a line has too few columns")
    return value.strip()


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except (OSError, ValueError):
        return False
