"""What was made from something, found again as long as it would come out the same.

A thing is known by its key: the content of all that it was made from, the code of the modules that made it, and the
versions of their tools. What is found by its key is right, because its content is compared with what was made; what
was damaged, or only half made before a kill, is not found, and made anew.

The things lie where they are used, files and folders under their own names. A ledger beside them says what they were
made from. It keeps the last few things of each name, and forgets the oldest.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from quantunet_hls.core.code_key import code_key
from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import TOOL_BYTES, read_json, sha256_file, sha256_json, write_json

__all__ = ["Entry", "Key", "Store", "content", "key_of"]

#: Things that a ledger holds at most, unless told otherwise.
_MOST = 500

#: Held while a ledger is read and written: a design's layers are mapped side by side.
_writing = threading.RLock()

#: Ledger, name and key of what this process has found or made, and may still read.
_used: set[tuple[str, str, str]] = set()


@dataclass(frozen=True)
class Key:
    """What decides what comes out.

    Attributes:
        inputs: by name, as plain values; of files, their :func:`content`.
        code: of the modules that make it (:func:`quantunet_hls.core.code_key.code_key`).
        tools: version by name of the tool or package.
    """

    inputs: Mapping[str, Any]
    code: str
    tools: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Hex SHA-256 of all of it, the same whatever order its names came in."""
        return sha256_json({"inputs": dict(self.inputs), "code": self.code, "tools": dict(self.tools)})


def key_of(inputs: Mapping[str, Any], makers: Sequence[str], tools: Mapping[str, str]) -> Key:
    """The key of what some modules make of some inputs.

    Args:
        inputs: by name, as plain values.
        makers: names of the modules, as :func:`quantunet_hls.core.code_key.code_key` takes them.
        tools: version by name.
    """
    return Key(inputs, code_key(*makers), tools)


@dataclass(frozen=True)
class Entry:
    """A thing that was made.

    Attributes:
        name: of the thing.
        key: digest of its key.
        files: content of each of its files and folders, by path from the ledger's folder, or absolute.
        value: what else came out, as a plain value.
        seconds: that it took to make.
        found: nothing was made; it was there.
    """

    name: str
    key: str
    files: Mapping[str, str] = field(default_factory=dict)
    value: Any = None
    seconds: float = 0.0
    found: bool = False


#: What a ledger says of a thing.
_FIELDS = {one.name for one in fields(Entry)} - {"found"}


def content(path: Path) -> str:
    """SHA-256 over a file, or over the names and contents of the files in a folder; "" where there is nothing."""
    if path.is_file():
        return sha256_file(path)
    if not path.is_dir():
        return ""
    files = sorted(part for part in path.rglob("*") if part.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path)}\0{sha256_file(file)}\0".encode())
    return digest.hexdigest() if files else ""


class Store:
    """The things of one ledger.

    Args:
        ledger: JSON file that says what was made from what. One that is damaged costs time, nothing else.
        keep: things that stay of each name; more than one where they go by their keys, such as the netlists of one
            module with and without DSP blocks.
        most: things that stay in all, those apart that this process has found or made.
    """

    def __init__(self, ledger: Path, *, keep: int = 1, most: int = _MOST):
        self.ledger, self._keep, self._most = ledger, keep, most

    @property
    def folder(self) -> Path:
        """The ledger's folder, from which the paths of files start."""
        return self.ledger.parent

    def find(self, name: str, key: Key) -> Entry | None:
        """The thing of this name that was made from the same, whole and as it was made; None where there is none."""
        digest = key.digest
        with _writing:
            entries = _read(self.ledger)
        for entry in entries:
            if (entry.name, entry.key) == (name, digest) and all(
                    made and content(self.folder / path) == made for path, made in entry.files.items()):
                self._use(name, digest)
                return replace(entry, found=True)
        return None

    def put(self, name: str, key: Key, files: Iterable[Path] = (), value: Any = None, seconds: float = 0.0) -> Entry:
        """Remember what has been made, and forget what is too old.

        Args:
            name: of the thing.
            key: what it was made from.
            files: files and folders that it has; they lie where they are found again.
            value: what else came out, as a plain value.
            seconds: that it took.

        Raises:
            QuantUNetError: where the file system refuses.
        """
        made = {str(path.relative_to(self.folder) if path.is_relative_to(self.folder) else path.absolute()):
                content(path) for path in files}
        entry = Entry(name, key.digest, made, value, seconds)
        self._use(name, entry.key)
        with _writing:
            others = [one for one in _read(self.ledger) if (one.name, one.key) != (name, entry.key)]
            self._write([*others, entry])
        return entry

    def forget(self, name: str) -> None:
        """Let go of all things of a name, before another takes the place of their files."""
        with _writing:
            entries = _read(self.ledger)
            if not self.ledger.exists() or any(entry.name == name for entry in entries):
                write_json(self.ledger, _plain([entry for entry in entries if entry.name != name]))

    def made(self, name: str, key: Key, make: Callable[[], Any], files: Sequence[Path] = ()) -> Entry:
        """Find a thing, or make it.

        Args:
            name: of the thing.
            key: what it is made from.
            make: makes its files in their places; what it returns is the value.
            files: that it has.
        """
        found = self.find(name, key)
        if found is not None:
            return found
        if self._keep == 1:
            self.forget(name)
        begun = time.monotonic()
        value = make()
        return self.put(name, key, files, value, time.monotonic() - begun)

    def retain(self, names: Iterable[str]) -> None:
        """Remove the things of all other names, and their files."""
        with _writing:
            entries, kept = _read(self.ledger), set(names)
            if not {entry.name for entry in entries} <= kept:
                self._write(entries, kept)

    def _use(self, name: str, key: str) -> None:
        _used.add((str(self.ledger.absolute()), name, key))

    def names(self) -> list[str]:
        """Names of all things that are remembered, in the order in which they were made."""
        return list(dict.fromkeys(entry.name for entry in _read(self.ledger)))

    def _write(self, entries: list[Entry], names: Container[str] | None = None) -> None:
        """Write the ledger without what is too old, and remove the files that only that had."""
        stay: list[Entry] = []
        of_name: Counter[str] = Counter()
        ledger = str(self.ledger.absolute())
        for entry in reversed(entries):
            wanted = (names is None or entry.name in names) and of_name[entry.name] < self._keep
            if wanted and (len(stay) < self._most or (ledger, entry.name, entry.key) in _used):
                stay.append(entry)
                of_name[entry.name] += 1
        stay.reverse()
        write_json(self.ledger, _plain(stay))
        held = {path for entry in stay for path in entry.files}
        for path in {path for entry in entries for path in entry.files} - held:
            place = self.folder / path
            # What lies elsewhere is not this store's to remove.
            if Path(path).is_absolute() or ".." in Path(path).parts:
                continue
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink(missing_ok=True)


def _plain(entries: Iterable[Entry]) -> dict[str, Any]:
    values = []
    for entry in entries:
        value = asdict(entry)
        del value["found"]
        values.append({**value, "seal": sha256_json(value)})
    return {"made": values}


def _read(ledger: Path) -> list[Entry]:
    """The entries of a ledger that are as they were written."""
    if not ledger.is_file():
        return []
    try:
        value = read_json(ledger, TOOL_BYTES)
    except ConfigurationError:
        return []
    made = value.get("made") if isinstance(value, dict) else None
    entries = []
    for one in made if isinstance(made, list) else []:
        if isinstance(one, dict) and one.pop("seal", None) == sha256_json(one) and set(one) == _FIELDS:
            entries.append(Entry(**one))
    return entries
