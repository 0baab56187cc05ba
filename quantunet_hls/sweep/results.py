"""Results of a sweep in one SQLite file: a row a design, and a row a figure for whoever asks with SQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError
from quantunet_hls.core.folders import one_writer
from quantunet_hls.reports.parsers.sweeps import VERSION, WITHOUT_SUBJECTS, refused
from quantunet_hls.reports.schema import Figure, Report
from quantunet_hls.sweep.grid import Job

__all__ = ["Result", "State", "SweepResults"]

_SCHEMA = """
CREATE TABLE designs (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, settings TEXT NOT NULL, state TEXT NOT NULL, report TEXT,
    error TEXT NOT NULL, attempts INTEGER NOT NULL, seconds REAL NOT NULL, finished TEXT NOT NULL
);
CREATE TABLE figures (
    key TEXT NOT NULL REFERENCES designs (key) ON DELETE CASCADE, layer TEXT, name TEXT NOT NULL, value REAL NOT NULL,
    unit TEXT NOT NULL, source TEXT NOT NULL, tool TEXT NOT NULL, tool_version TEXT NOT NULL, available REAL,
    subject TEXT NOT NULL DEFAULT 'not stated'
);
CREATE INDEX figures_of_design ON figures (key);
"""


class State(StrEnum):
    """How a job ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """What became of a job.

    Attributes:
        job: that was done.
        state: how it ended; a refusal would be the same the next time, a failure might not.
        report: what is known of the design, None unless it is done.
        error: why it is not.
        attempts: how often it was begun.
        seconds: that the last attempt took.
    """

    job: Job
    state: State
    report: Report | None = None
    error: str = ""
    attempts: int = 1
    seconds: float = 0.0


class SweepResults:
    """The file of a sweep; several sweeps may share one."""

    def __init__(self, path: Path):
        """Name the file; it is made when something is put in."""
        self.path = Path(path)

    def put(self, result: Result) -> None:
        """Keep a result, in place of an earlier one of the same job.

        Raises:
            QuantUNetError: where the file can't be written.
        """
        job = result.job
        report = json.dumps(result.report.to_dict(), allow_nan=False) if result.report else None
        row = (job.key, job.name, json.dumps(job.settings, sort_keys=True), str(result.state), report, result.error,
               result.attempts, result.seconds, datetime.now(UTC).isoformat(timespec="seconds"))
        # SQLite's own locks are those of the file system, which over a network may hold on one machine only.
        with one_writer(self.path), self._open(create=True) as connection, connection:
            connection.execute("DELETE FROM figures WHERE key = ?", (job.key,))
            connection.execute("INSERT OR REPLACE INTO designs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.executemany("INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _rows(result))

    def done(self) -> dict[str, State]:
        """Key and state of all jobs that need not be done again: those done, and those refused."""
        if not self.path.exists():
            return {}
        with self._open() as connection:
            found = connection.execute("SELECT key, state FROM designs WHERE state != ?", (str(State.FAILED),))
            return {key: State(state) for key, state in found}

    def rows(self) -> tuple[tuple[str, State, str, int], ...]:
        """Name, state, error and attempts of every job."""
        with self._open() as connection:
            found = connection.execute("SELECT name, state, error, attempts FROM designs ORDER BY rowid")
            return tuple((name, State(state), error, attempts) for name, state, error, attempts in found)

    @contextmanager
    def _open(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        if not create and not self.path.is_file():
            raise ConfigurationError(f"There is no sweep at {self.path}; check the path.")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=60)) as connection:
                (known,) = connection.execute("PRAGMA user_version").fetchone()
                (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                if not tables and create:
                    connection.executescript(f"{_SCHEMA} PRAGMA user_version = {VERSION};")
                elif known == WITHOUT_SUBJECTS and create:
                    connection.executescript("ALTER TABLE figures ADD COLUMN subject TEXT NOT NULL DEFAULT "
                                             f"'not stated'; PRAGMA user_version = {VERSION};")
                elif known not in (WITHOUT_SUBJECTS, VERSION):
                    raise refused(self.path)
                yield connection
        except sqlite3.DatabaseError as error:
            raise refused(self.path, str(error)) from error
        except OSError as error:
            raise QuantUNetError(f"{self.path} can't be written ({error.strerror or error}).") from error


def _rows(result: Result) -> Iterator[tuple[Any, ...]]:
    if result.report is None:
        return
    groups: list[tuple[str | None, tuple[Figure, ...]]] = [(None, result.report.figures)]
    groups += [(layer.name, layer.figures) for layer in result.report.layers]
    for layer, figures in groups:
        for figure in figures:
            yield (result.job.key, layer, figure.name, figure.value, figure.unit, str(figure.source), figure.tool,
                   figure.tool_version, figure.available, str(figure.subject))
