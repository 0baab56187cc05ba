"""Reading plain JSON values strictly: each with the type it must have, or a sentence that says where it has not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from quantunet_hls.core.errors import ConfigurationError

__all__ = ["Fields"]

T = TypeVar("T")

#: What whole numbers may be at most: SQLite and most other readers of JSON take no larger ones.
_MOST = 2**63 - 1


class Fields:
    """The members of one JSON object, taken out one by one.

    Every method raises ConfigurationError, naming the place, where the member
    is absent or has another type than asked for.
    """

    def __init__(self, value: Any, where: str):
        """Take an object at the place ``where`` of a file, as people should read it."""
        if not isinstance(value, dict):
            raise ConfigurationError(f"{where} must be a JSON object and is not; write the report anew.")
        self._members = dict(value)
        self._where = where

    def _wrong(self, key: str, wanted: str) -> ConfigurationError:
        return ConfigurationError(f"{self._where}: {key!r} must be {wanted}; write the report anew.")

    def _take(self, key: str, wanted: str) -> Any:
        if key not in self._members:
            raise self._wrong(key, f"there, as {wanted}")
        return self._members.pop(key)

    def text(self, key: str) -> str:
        """A string."""
        value = self._take(key, "a string")
        if not _is_text(value):
            raise self._wrong(key, "a string of whole characters")
        return str(value)

    def number(self, key: str) -> int | float:
        """A finite number."""
        value = self._take(key, "a finite number")
        # An integer may be too large for a float, and can't be asked whether it is finite.
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
            raise self._wrong(key, "a finite number")
        return value

    def integer(self, key: str, least: int = 0) -> int:
        """A whole number, ``least`` at least."""
        value = self._take(key, "a whole number")
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
            raise self._wrong(key, f"a whole number from {least} to {_MOST}")
        return value

    def optional(self, key: str, read: Callable[[str], T]) -> T | None:
        """What ``read`` (a method of this object) gives for the key, or None where it holds null."""
        if self._members.get(key, ...) is None:
            del self._members[key]
            return None
        return read(key)

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers, each at least one."""
        value = self._take(key, "a list of whole numbers")
        if not isinstance(value, list) or any(isinstance(item, bool) or not isinstance(item, int) for item in value):
            raise self._wrong(key, "a list of whole numbers")
        if not all(1 <= item <= _MOST for item in value):
            raise self._wrong(key, f"a list of whole numbers from 1 to {_MOST}")
        return tuple(value)

    def texts(self, key: str) -> dict[str, str]:
        """An object whose members are strings."""
        value = self._take(key, "an object of strings")
        if not isinstance(value, dict) or not all(map(_is_text, (*value, *value.values()))):
            raise self._wrong(key, "an object of strings of whole characters")
        return dict(value)

    def objects(self, key: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
        """A list of objects, each turned into something by ``read``, which must take all of its members."""
        value = self._take(key, "a list of objects")
        if not isinstance(value, list):
            raise self._wrong(key, "a list of objects")
        return tuple(Fields(item, f"{self._where}: {key}[{i}]").read(read) for i, item in enumerate(value))

    def object(self, key: str, read: Callable[[Fields], T]) -> T:
        """An object, turned into something by ``read``, which must take all of its members."""
        return Fields(self._take(key, "an object"), f"{self._where}: {key}").read(read)

    def read(self, read: Callable[[Fields], T]) -> T:
        """What ``read`` makes of this object, once no member is left over."""
        try:
            result = read(self)
        except ValueError as error:
            raise ConfigurationError(f"{self._where}: {error}; write the report anew.") from error
        if self._members:
            strange = ", ".join(sorted(map(repr, self._members))[:5])
            raise ConfigurationError(f"{self._where} has members that no report has ({strange}); remove them.")
        return result


def _is_text(value: Any) -> bool:
    """Whether it is a string that can be written: JSON may hold halves of characters."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
