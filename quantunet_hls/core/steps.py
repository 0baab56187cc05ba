"""Steps with files between them: what has been done once for the same input is not done again.

A ledger beside the files (:mod:`quantunet_hls.core.store`) says for every step what it was made from. A step that is
found there is skipped; one that was killed left nothing to be found, so it runs again from its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantunet_hls.core.errors import ConfigurationError, StepError, UnknownNameError
from quantunet_hls.core.files import read_json
from quantunet_hls.core.store import Store, key_of

__all__ = ["Outcome", "Step", "earlier_ledger", "run_steps"]


@dataclass(frozen=True)
class Step:
    """One step of a flow.

    Attributes:
        name: unique in the flow.
        title: what it does, for a person.
        inputs: by name, everything that goes in, as plain values; asked for just before the step, when the files of
            the steps before it are there.
        outputs: files and folders that it makes.
        action: makes them.
        makers: names of the modules that do it, as :func:`quantunet_hls.core.code_key.code_key` takes them.
        tools: version by name of each tool and package that does it; asked for just before the step.
    """

    name: str
    title: str
    inputs: Callable[[], Mapping[str, Any]]
    outputs: Sequence[Path]
    action: Callable[[], None]
    makers: Sequence[str]
    tools: Callable[[], Mapping[str, str]]


@dataclass(frozen=True)
class Outcome:
    """How a step went; ``seconds`` is 0 where ``cached``."""

    step: Step
    cached: bool
    seconds: float


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
    store = Store(ledger)
    for index, step in enumerate(steps[: end + 1]):
        key = key_of(step.inputs(), step.makers, step.tools())
        if (index < begin or not first) and store.find(step.name, key):
            yield Outcome(step, cached=True, seconds=0.0)
            continue
        if index < begin:
            raise StepError(
                f"Step {step.name!r} has not been done for this input, so the flow can't start at {first!r}; "
                f"start at {step.name!r} or earlier."
            )
        started(step)
        store.forget(step.name)
        done = store.made(step.name, key, step.action, step.outputs)
        yield Outcome(step, cached=False, seconds=done.seconds)


def earlier_ledger(folder: Path, ledger: Path, names: Sequence[str]) -> bool:
    """Whether an earlier version of this package did steps of these names in a folder, or began to in an empty one."""
    if not ledger.is_file() or ledger.is_symlink():
        return False
    try:
        entries = read_json(ledger)
    except ConfigurationError:
        return False
    ours = isinstance(entries, dict) and all(
        name in names and isinstance(entry, dict) and {"key", "outputs"} <= set(entry)
        for name, entry in entries.items())
    begun = {path.name for path in folder.iterdir()} <= {ledger.name, ".lock"}
    return ours and (bool(entries) or begun)
