"""Steps with files between them: what has been done once for the same input is not done again.

A ledger beside the files says for every step what went into it and what came
out, by content. A step whose entry fits is skipped; one that was killed left no
entry, so it runs again from its start.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from quantunet_hls.core.errors import ConfigurationError, StepError, UnknownNameError
from quantunet_hls.core.files import read_json, sha256_file, sha256_json, write_json
from quantunet_hls.core.versions import OPEN_TOOLS, PACKAGES, version_of

__all__ = ["Outcome", "Step", "content", "has_ledger", "makers", "run_steps"]


@dataclass(frozen=True)
class Step:
    """One step of a flow.

    Attributes:
        name: unique in the flow.
        title: what it does, for a person.
        key: everything that decides what comes out, as plain values; asked for just before the step,
            when the files of the steps before it are there.
        outputs: files and folders that it makes.
        action: makes them.
    """

    name: str
    title: str
    key: Callable[[], Any]
    outputs: Sequence[Path]
    action: Callable[[], None]


@dataclass(frozen=True)
class Outcome:
    """How a step went; ``seconds`` is 0 where ``cached``."""

    step: Step
    cached: bool
    seconds: float


def content(path: Path, *patterns: str) -> str:
    """SHA-256 over a file, or over the names and contents of the files in a folder; "" where there is nothing.

    With patterns, only the files of a folder whose names fit one of them count.
    """
    if path.is_file():
        return sha256_file(path)
    if not path.is_dir():
        return ""
    found = {part for pattern in patterns or ("*",) for part in path.rglob(pattern)}
    files = sorted(part for part in found if part.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path)}\0{sha256_file(file)}\0".encode())
    return digest.hexdigest() if files else ""


@cache
def makers(*, open_tools: bool) -> list[str]:
    """What turns input into output besides the input: this package's own files, and the others' versions.

    Args:
        open_tools: whether the open tool chain is among them.
    """
    sources = content(Path(__file__).parents[1], "*.py", "*.h", "*.cpp", "*.v", "*.vh", "delays.json")
    return [sources, *map(version_of, (*PACKAGES, *(OPEN_TOOLS if open_tools else ())))]


def run_steps(steps: Sequence[Step], ledger: Path, *, first: str | None = None, last: str | None = None,
              started: Callable[[Step], None] = lambda step: None) -> Iterator[Outcome]:
    """Run a flow, yielding after each step.

    Args:
        steps: in order.
        ledger: JSON file that remembers what was done.
        first: run from this step on even where nothing changed; the steps before it must have been done.
        last: stop behind this step.
        started: called before a step runs.

    Raises:
        UnknownNameError: ``first`` or ``last`` is no step.
        ConfigurationError: ``last`` comes before ``first``.
        StepError: a step before ``first`` has not been done with the same input.
    """
    names = [step.name for step in steps]
    for name in (first, last):
        if name is not None and name not in names:
            raise UnknownNameError("step", name, names)
    begin = names.index(first) if first else 0
    end = names.index(last) if last else len(steps) - 1
    if first and end < begin:
        raise ConfigurationError(f"Step {last!r} comes before step {first!r}; swap --from and --to.")
    entries: dict[str, Any] = _read_ledger(ledger)
    for index, step in enumerate(steps[: end + 1]):
        key = sha256_json(step.key())
        if (index < begin or not first) and _is_done(entries.get(step.name), step, key, ledger.parent):
            yield Outcome(step, cached=True, seconds=0.0)
            continue
        if index < begin:
            raise StepError(
                f"Step {step.name!r} has not been done for this input, so the flow can't start at {first!r}; "
                f"start at {step.name!r} or earlier."
            )
        started(step)
        begun = time.monotonic()
        entries.pop(step.name, None)
        write_json(ledger, entries)
        step.action()
        entries[step.name] = {"key": key, "outputs": _made(step, ledger.parent)}
        write_json(ledger, entries)
        yield Outcome(step, cached=False, seconds=time.monotonic() - begun)


def _made(step: Step, folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder) if path.is_relative_to(folder) else path): content(path)
            for path in step.outputs}


def _read_ledger(ledger: Path) -> dict[str, Any]:
    if not ledger.exists():
        return {}
    try:
        entries = read_json(ledger)
    except ConfigurationError:
        # Only a hint of what can be skipped: a damaged one costs time, nothing else.
        return {}
    return entries if isinstance(entries, dict) else {}


def _is_done(entry: Any, step: Step, key: str, folder: Path) -> bool:
    if not isinstance(entry, Mapping) or entry.get("key") != key:
        return False
    made = _made(step, folder)
    return entry.get("outputs") == made and all(made.values())


def has_ledger(folder: Path, ledger: Path, names: Sequence[str]) -> bool:
    """Whether steps of these names were done in a folder, as its ledger says, or begun in an empty one."""
    entries = _read_ledger(ledger)
    ours = all(name in names and isinstance(entry, dict) and {"key", "outputs"} <= set(entry)
               for name, entry in entries.items())
    begun = {path.name for path in folder.iterdir()} <= {ledger.name, ".lock"}
    return ledger.is_file() and not ledger.is_symlink() and ours and (bool(entries) or begun)
