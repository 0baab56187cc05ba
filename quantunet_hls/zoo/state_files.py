"""State dicts in files that anybody may have written: looked through whole before anything in them is made.

PyTorch writes a zip archive: a pickle that says which tensors there are, and a record of plain numbers for each.
Here the pickle's instructions are read as data. The few that a state dict of plain tensors consists of are known;
with any other the file is refused. What they would make is then held against the sizes of the records and against
what the reader expects, and only then PyTorch reads it.
"""

from __future__ import annotations

import io
import math
import pickletools
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from quantunet_hls.core.errors import shown

__all__ = ["MOST_PICKLE_BYTES", "StateFileError", "read_state"]

#: Bytes of the pickle alone; one of 60 tensors has 12 kB.
MOST_PICKLE_BYTES = 1 << 20
_MOST_RECORDS = 10_000
_MOST_DIMENSIONS = 8

#: Kinds of numbers in a state dict of ours, and their bytes.
_STORAGES = {"torch FloatStorage": 4, "torch DoubleStorage": 8, "torch LongStorage": 8, "torch IntStorage": 4,
             "torch ByteStorage": 1, "torch BoolStorage": 1}
_PLAIN_TENSOR, _PLAIN_DICT = "torch._utils _rebuild_tensor_v2", "collections OrderedDict"
_ATOMS = {"BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"}
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()


class StateFileError(Exception):
    """Why a file is no state dict, in half a sentence."""


@dataclass(frozen=True)
class _Global:
    """A name of Python's that the pickle asks for."""

    name: str


@dataclass(frozen=True)
class _Storage:
    """A record: its name, how many numbers the pickle says that it has, and the bytes of each."""

    key: str
    numbers: int
    size: int


@dataclass(frozen=True)
class _Planned:
    """A tensor that is not made yet."""

    storage: _Storage
    shape: tuple[int, ...]


def read_state(content: bytes, most_bytes: int) -> dict[str, Tensor]:
    """The tensors of a state dict that ``torch.save`` wrote.

    Args:
        content: of the file.
        most_bytes: that all tensors may have together.

    Raises:
        StateFileError: for anything but named plain tensors, or for more than that.
    """
    records = _records(content)
    planned = _planned(records["data.pkl"])
    if sum(_bytes_of(tensor) for tensor in planned.values()) > most_bytes:
        raise StateFileError("its tensors are larger than those of the network on its card")
    for name, tensor in planned.items():
        record = records.get(f"data/{tensor.storage.key}")
        if record is None or len(record) != tensor.storage.numbers * tensor.storage.size:
            raise StateFileError(f"the numbers of {shown(name)} are missing or incomplete")
    if records.get("byteorder", b"little") != b"little":
        raise StateFileError("its numbers have the byte order of another machine")
    try:
        # An archive can be made so that two readers find different records in it; this one is ours.
        state = torch.load(_archive(records), weights_only=True, map_location="cpu")
    except Exception as error:  # whatever it is: what was checked above is all that we know how to explain
        raise StateFileError("PyTorch can't read it") from error
    if {name: tuple(tensor.shape) for name, tensor in state.items()} != {
        name: tensor.shape for name, tensor in planned.items()
    }:
        raise StateFileError("PyTorch reads other tensors in it than it names")
    return dict(state)


def _records(content: bytes) -> dict[str, bytes]:
    """The archive's records by their names, without the folder that they are in."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_RECORDS:
                raise StateFileError(f"it has {len(entries):,} records, and {_MOST_RECORDS:,} are the limit")
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or (
                sum(entry.file_size for entry in entries) > len(content)
            ):
                raise StateFileError("its records are compressed or overlap, which PyTorch's never are")
            names = [entry.filename.partition("/")[2] for entry in entries]
            folders = {entry.filename.partition("/")[0] for entry in entries}
            if len(folders) != 1 or len(set(names)) != len(names) or "data.pkl" not in names:
                raise StateFileError("it is no archive of PyTorch's")
            return {name: archive.read(entry) for name, entry in zip(names, entries, strict=True)}
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError,
            KeyError, UnicodeError) as error:
        raise StateFileError("it is no archive of PyTorch's, or a damaged one") from error


def _archive(records: dict[str, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, record in records.items():
            if name in ("data.pkl", "version", "byteorder") or name.startswith("data/"):
                archive.writestr(f"archive/{name}", record)
    stream.seek(0)
    return stream


def _planned(pickle: bytes) -> dict[str, _Planned]:
    """What the pickle would make."""
    if len(pickle) > MOST_PICKLE_BYTES:
        raise StateFileError(f"its list of tensors has {len(pickle):,} bytes, and {MOST_PICKLE_BYTES:,} are the limit")
    try:
        made = _made(pickle)
    except (ValueError, IndexError, KeyError, TypeError, StopIteration) as error:
        raise StateFileError("its list of tensors is damaged") from error
    if not isinstance(made, dict) or not made or not all(
        isinstance(name, str) and isinstance(tensor, _Planned) for name, tensor in made.items()
    ):
        raise StateFileError("it holds something else than named tensors")
    return made


def _made(pickle: bytes) -> Any:
    """Follow the instructions with stand-ins: nothing is called, and no memory is taken that the file does not have."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for instruction, argument, _ in pickletools.genops(pickle):
        name = instruction.name
        if name in _ATOMS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "GLOBAL":
            stack.append(_Global(str(argument)))
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[int(str(argument))] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[int(str(argument))])
        elif name == "TUPLE":
            stack.append(tuple(_above_mark(stack)))
        elif name in _TUPLES:
            size = _TUPLES[name]
            stack[-size:] = [tuple(stack[-size:])]
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(_called(stack.pop(), arguments))
        elif name in ("SETITEM", "SETITEMS"):
            items = _above_mark(stack) if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            if not isinstance(stack[-1], dict) or not all(isinstance(key, str) for key in items[::2]):
                raise StateFileError("it holds something else than named tensors")
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif name == "STOP":
            return stack.pop()
        elif name != "PROTO":
            raise StateFileError("it holds something else than named tensors")
    raise ValueError("the end is missing")


def _above_mark(stack: list[Any]) -> list[Any]:
    place = next(place for place in reversed(range(len(stack))) if stack[place] is _MARK)
    items = stack[place + 1:]
    del stack[place:]
    return items


def _storage(told: Any) -> _Storage:
    match told:
        case ("storage", _Global(kind), str(key), str(), int(numbers)) if not isinstance(numbers, bool):
            if kind not in _STORAGES:
                raise StateFileError(f"it has numbers of a kind that no network here has ({shown(kind)})")
            return _Storage(key, numbers, _STORAGES[kind])
    raise StateFileError("it holds something else than named tensors")


def _called(function: Any, arguments: Any) -> Any:
    name = function.name if isinstance(function, _Global) else ""
    match name, arguments:
        case (str(known), ()) if known == _PLAIN_DICT:
            return {}
        case (str(known), (_Storage() as storage, 0, tuple(shape), tuple(strides), False, dict(hooks))) if (
            known == _PLAIN_TENSOR and not hooks
        ):
            if _whole(shape) and _whole(strides) and strides == _contiguous(shape):
                if math.prod(shape) > storage.numbers:
                    raise StateFileError("a tensor is larger than its numbers")
                return _Planned(storage, shape)
            raise StateFileError("a tensor's numbers do not lie one behind the other")
    if name in (_PLAIN_TENSOR, _PLAIN_DICT):
        raise StateFileError("a tensor in it is no plain one")
    raise StateFileError(f"it asks for {shown(name)}, which plain tensors never do; it may be made to do harm")


def _whole(numbers: tuple[Any, ...]) -> bool:
    return len(numbers) <= _MOST_DIMENSIONS and all(type(number) is int and 0 <= number < 2**48 for number in numbers)


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """As PyTorch has strides: no dimension counts as less than one."""
    return tuple(math.prod(max(1, size) for size in shape[place + 1:]) for place in range(len(shape)))


def _bytes_of(tensor: _Planned) -> int:
    return math.prod(tensor.shape) * tensor.storage.size
