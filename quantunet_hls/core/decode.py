"""Plain values, as JSON and YAML have them, turned into typed ones: checked by msgspec, refused in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError, shown
from quantunet_hls.core.files import JSON_BYTES, read_json
from quantunet_hls.core.plain_yaml import read_yaml

__all__ = ["converted", "load_json", "load_yaml"]

T = TypeVar("T")

#: A step into a value: a field's name, a place in a list, or the key of a mapping.
Step = str | int

_LONGEST_KEY = 80
_NAMES = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false", "null": "null",
          "object": "keys with values", "array": "a list"}
_EXPECTED = re.compile(r"Expected `([^`]*)`(.*?)(?:, got `[^`]*`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_PLACED = re.compile(r"(.*?)(?: - at (`key` in )?`\$([^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def load_json(kind: type[T], path: Path, what: str, remedy: str, *, most: int = JSON_BYTES,
              error: type[QuantUNetError] = ConfigurationError) -> T:
    """The value of a type that a JSON file holds; arguments and errors as for :func:`converted`.

    Args:
        kind: of value.
        path: of the file.
        what: it is read as, such as "a card", for the message.
        remedy: for the message.
        most: bytes that the file may have.
        error: to raise.
    """
    values = read_json(path, most, what=what, error=error)
    return converted(kind, values, f"{path} is no {_bare(what)}", remedy, error=error)


def load_yaml(kind: type[T], path: Path, what: str, remedy: str, *,
              error: type[QuantUNetError] = ConfigurationError) -> T:
    """The same from a YAML file of plain values without aliases."""
    values = read_yaml(path, what, error=error)
    return converted(kind, values, f"{path} is no {_bare(what)}", remedy, error=error)


def _bare(what: str) -> str:
    return what.removeprefix("a ").removeprefix("an ")


def converted(kind: type[T], values: Any, where: str, remedy: str, *, complete: bool = False,
              error: type[QuantUNetError] = ConfigurationError) -> T:
    """Plain values as a value of a type; nothing is turned into something else, but a whole number into a float.

    Args:
        kind: a frozen dataclass, or any other type that msgspec converts to. A dataclass takes no keys but its fields,
            and those without a default must be there.
        values: None, bool, int, float, str, list and dict, as a file gave them.
        where: what the sentence begins with, such as "mine.yaml is no recipe".
        remedy: what it ends with, such as "see the recipes of the package".
        complete: whether fields with a default must be there too, as in files that only programs write.
        error: to raise; a class that takes one sentence.

    Raises:
        QuantUNetError: as ``error``, naming the place among the values and what belongs there.
    """
    try:
        result = msgspec.convert(values, kind)
    except msgspec.ValidationError as failure:
        raise error(f"{where}: {_reason(kind, values, str(failure))}; {remedy}.") from failure
    except QuantUNetError as failure:
        # A dataclass of ours says itself what it can't be.
        raise error(f"{where}: {failure}") from failure
    except RecursionError as failure:
        raise error(f"{where}: its values lie too deep in one another; {remedy}.") from failure
    for place, given, known in _objects(result, values, ()):
        for key in given:
            if key not in known:
                near = get_close_matches(str(key)[:_LONGEST_KEY], known, n=1)
                raise error(f"{where}: {_spelled((*place, str(key)))} is no key of it; "
                            + (f"did you mean {near[0]}?" if near else f"the keys are {', '.join(known)}."))
        for key in known if complete else ():
            if key not in given:
                raise error(f"{where}: it lacks the key {_spelled((*place, key))}; {remedy}.")
    return result


def _objects(result: Any, values: Any,
             place: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Mapping[Any, Any], list[str]]]:
    """Of every dataclass in the result the place, what it was given, and the names of its fields."""
    if is_dataclass(result) and isinstance(values, Mapping):
        known = [entry.name for entry in fields(result)]
        yield place, values, known
        for name in known:
            if name in values:
                yield from _objects(getattr(result, name), values[name], (*place, name))
    elif isinstance(result, Mapping) and isinstance(values, Mapping):
        for key, part in result.items():
            yield from _objects(part, values.get(key), (*place, key))
    elif isinstance(result, tuple | list) and isinstance(values, tuple | list):
        for index, (part, value) in enumerate(zip(result, values, strict=False)):
            yield from _objects(part, value, (*place, index))


def _reason(kind: type, values: Any, message: str) -> str:
    """What msgspec says, in our words and with the keys that it leaves out."""
    found = _PLACED.fullmatch(message)
    assert found is not None
    said, is_key, path = found[1], found[2], found[3] or ""
    steps = [name or index for name, index in _STEP.findall(path)]
    place = _place(kind, values, message, [*steps, "..."] if is_key else steps)
    if missing := _MISSING.fullmatch(said):
        return f"it lacks the key {_spelled((*place, missing[1]))}"
    if is_key:
        return f"{_spelled(place[:-1]) or 'it'} can't have the key {shown(place[-1])}"
    spelled = _spelled(place) or "it"
    if expected := _EXPECTED.fullmatch(said):
        kinds = expected[1].split(" | ")
        wanted = " or ".join(_NAMES.get(kind, kind) for kind in kinds if kind != "int" or "float" not in kinds)
        return f"{spelled} must be {wanted}{expected[2].replace('`', '')}, not {_given(_at(values, place))}"
    if said.startswith(("Invalid enum value", "Number out of range", "Integer value out of range")):
        return f"{spelled} can't be {shown(_at(values, place))}"
    return f"{spelled}: {said}" if place else said.rstrip(".")


def _given(value: Any) -> str:
    if isinstance(value, dict | list):
        return _NAMES["object" if isinstance(value, dict) else "array"]
    if value is None:
        return "null"
    return shown(value).lower() if isinstance(value, bool) else shown(value)


def _spelled(place: tuple[Step, ...]) -> str:
    """Such as layers.enc0a.bits[2]."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:_LONGEST_KEY]}" for step in place)
    return text.removeprefix(".")


def _at(values: Any, place: tuple[Step, ...]) -> Any:
    for step in place:
        values = values[step]
    return values


def _place(kind: type, values: Any, message: str, path: list[str]) -> tuple[Step, ...]:
    """A path of msgspec's with the keys of mappings, which it writes as ``...``, found by halving the mappings."""
    place: tuple[Step, ...] = ()
    for step in path:
        if step != "...":
            place = (*place, int(step) if step.isdecimal() else step)
            continue
        entries = list(_at(values, place).items())
        while len(entries) > 1:
            first = entries[: len(entries) // 2]
            same = _complaint(kind, _replaced(values, place, dict(first))) == message
            entries = first if same else entries[len(first):]
        values = _replaced(values, place, dict(entries))
        place = (*place, entries[0][0])
    return place


def _complaint(kind: type, values: Any) -> str | None:
    try:
        msgspec.convert(values, kind)
    except msgspec.ValidationError as failure:
        return str(failure)
    return None


def _replaced(values: Any, place: tuple[Step, ...], part: Any) -> Any:
    """A copy of the values with another part at that place."""
    if not place:
        return part
    copy = values.copy()
    copy[place[0]] = _replaced(values[place[0]], place[1:], part)
    return copy
