"""The file that a sweep leaves: SQLite, with a report in each row of its table of designs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.reports.schema import Report

__all__ = ["VERSION", "WITHOUT_SUBJECTS", "is_sweep", "read_sweep", "refused"]

#: How every SQLite file begins.
_MAGIC = b"SQLite format 3\0"

#: Version 1 had no column for the subject of a figure; the reports themselves say theirs.
VERSION = 2
WITHOUT_SUBJECTS = 1


def is_sweep(path: Path) -> bool:
    """Whether a file begins as a sweep's does."""
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def read_sweep(path: Path) -> tuple[Report, ...]:
    """The reports of all designs that are done, by name.

    Raises:
        ConfigurationError: a file that is no sweep's, or a damaged one.
    """
    try:
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (WITHOUT_SUBJECTS, VERSION):
                raise refused(path)
            query = "SELECT report FROM designs WHERE report IS NOT NULL ORDER BY name, key"
            texts = [text for (text,) in connection.execute(query)]
    except sqlite3.DatabaseError as error:
        raise refused(path, str(error)) from error
    try:
        return tuple(Report.from_dict(msgspec.json.decode(text), str(path)) for text in texts)
    except (msgspec.DecodeError, TypeError, UnicodeError, RecursionError) as error:
        raise ConfigurationError(f"{path} holds a damaged report ({error}); run the sweep anew.") from error


def refused(path: Path, reason: str = "") -> ConfigurationError:
    """That a file is no sweep's."""
    said = f"{path} can't be used as a sweep ({reason})" if reason else f"{path} is no sweep of this package"
    return ConfigurationError(f"{said}; name another file.")
