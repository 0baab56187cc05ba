"""Text and JSON that other programs wrote, read with suspicion: of bounded size, with names fit to be shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from quantunet_hls.core.errors import ConfigurationError, StepError
from quantunet_hls.core.files import read_bytes

__all__ = ["LIMIT", "objects", "read_text", "read_value", "text"]

#: The most bytes that JSON and a text may have.
LIMIT = 2**26

_TEXT_LIMIT = 2**27

_LONGEST = 300


def read_text(path: Path, most: int = _TEXT_LIMIT) -> str | None:
    """The text of a report, None where there is no such file.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        ConfigurationError: a pipe, a device, or a file that is too large for a report.
    """
    if not path.exists():
        return None
    return read_bytes(path, most, what="a report").decode(errors="replace")


def read_value(path: Path) -> object:
    """What the JSON in a file says.

    Raises:
        ConfigurationError: no regular file, one that is too large, or no JSON.
    """
    try:
        # Constants such as NaN are no JSON, but Python writes them; they are not known, as null is.
        return json.loads(read_bytes(path, LIMIT, what="a report").decode(), parse_constant=lambda name: None)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} can't be read as JSON ({error}); check the path and the file.") from error


def objects(value: object, where: str) -> Mapping[str, object]:
    """The members of a JSON object.

    Raises:
        StepError: anything else, or a member whose name can't be shown.
    """
    if not isinstance(value, dict):
        raise StepError(f"{where} is no JSON object; write it anew.")
    for name in value:
        if len(name) > _LONGEST or not name.isprintable():
            raise StepError(f"{where} has a member whose name can't be shown ({name[:40]!a}); write it anew.")
    return value


def text(value: object) -> str:
    """The text that a JSON value is, "" where it is none or can't be shown."""
    return value if isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() else ""
