"""Kills the whole flow again and again, in every step, and resumes it to the bytes of an undisturbed run.

Takes long, so it is a script as well as a slow test: ``python -m tests.kill_runs FOLDER --rounds 6 --seed 1``. A round
is one run from nothing to the report, with one kill in each of its steps.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import click

from quantunet_hls.flow.steps import STEPS
from tests.builders import Net

#: A variable that marks a run and all that it starts.
_MARK = "KILL_RUNS_MARK"
#: Once what was killed has ended, until all that it started must have.
_GONE_S = 2.0
#: What differs between two runs that came to the same: dates, durations, and digests of files that hold some.
_TIMES = ("created", "seconds", "compile_seconds", "csim_seconds_per_image", "key", "seal")


class KillRunsError(Exception):
    """Something was left running, left behind, or came out otherwise."""


@dataclass(frozen=True)
class Place:
    """Where the runs happen; always the same paths, for some stand in the files."""

    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def design(self) -> Path:
        return self.work / "projects" / "net"

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    def fresh(self) -> None:
        for folder in (self.work, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)

    def start(self, token: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-W", "ignore", "-c", "from quantunet_hls.cli import main; main()", "generate",
                   self.folder / "net.onnx", "--board", "ulx3s-85f", "--name", "net", "--toolchain", "open", "--images",
                   "1", "--projects", self.work / "projects", "--reports", self.work / "reports"]
        with (self.folder / "screen").open("wb") as screen:
            return subprocess.Popen(command, stdout=screen, stderr=subprocess.STDOUT, start_new_session=True,
                                    env={**os.environ, _MARK: token, "TMPDIR": str(self.temporary)})

    def done(self) -> int:
        """How many steps are."""
        try:
            return len(json.loads((self.design / "steps.json").read_text())["made"])
        except (OSError, ValueError, LookupError):
            return 0


def write_network(path: Path) -> None:
    """Two convolutions: what every step does, and little of it."""
    net = Net((1, 1, 8, 8))
    first = net.quant(net.relu(net.conv(net.quant("x"), 2)))
    net.quant(net.conv(first, 1), signed=1)
    path.write_bytes(net.proto(net.nodes[-1].output[0]).SerializeToString())


def alive(token: str) -> list[str]:
    """Command lines of all processes with this token in their environment."""
    wanted, found = f"{_MARK}={token}".encode(), []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0") and (
                        (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:150])
            except OSError:
                continue
    return found


def contents(place: Place) -> dict[str, str]:
    """Every file's name and digest, dates and durations apart; of logs the name alone."""
    found = {}
    for path in sorted(place.work.rglob("*")):
        name = str(path.relative_to(place.work))
        if path.is_dir():
            found[name] = "folder"
        elif path.suffix == ".log":
            found[name] = "log"
        elif path.suffix == ".json":
            text = json.dumps(_timeless(json.loads(path.read_text())), sort_keys=True)
            found[name] = hashlib.sha256(text.encode()).hexdigest()
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _timeless(value):
    if isinstance(value, dict):
        if value.get("name") in _TIMES:
            return None
        # A store's ledger is in the order in which things were made, which are made side by side.
        if set(value) == {"made"}:
            value = {"made": sorted(value["made"], key=lambda entry: entry["name"])}
        # The files of a thing are compared themselves, and some hold dates.
        value = {key: entry for key, entry in value.items() if key != "files" or "seal" not in value}
        return {key: _timeless(entry) for key, entry in value.items() if key not in _TIMES}
    return [_timeless(entry) for entry in value] if isinstance(value, list) else value


def undisturbed(place: Place) -> tuple[dict[str, str], list[float]]:
    """What a run leaves, and how long each of its steps took."""
    place.fresh()
    begun, times = time.monotonic(), []
    process = place.start("undisturbed")
    while process.poll() is None:
        while len(times) < place.done():
            times.append(time.monotonic())
        time.sleep(0.05)
    _ended(process, place, 0)
    times += [time.monotonic()] * (len(STEPS) - len(times))
    return contents(place), [later - earlier for earlier, later in zip([begun, *times], times, strict=False)]


def killed_round(place: Place, seconds: list[float], expected: dict[str, str], draw: random.Random) -> list[str]:
    """One run with a kill in each step; returns a line for each."""
    place.fresh()
    told = []
    for index, step in enumerate(STEPS):
        number = draw.choice((signal.SIGKILL, signal.SIGTERM))
        token = uuid.uuid4().hex
        process = place.start(token)
        while place.done() < index and process.poll() is None:
            time.sleep(0.01)
        end = time.monotonic() + draw.uniform(0, seconds[index])
        while time.monotonic() < end and place.done() <= index and process.poll() is None:
            time.sleep(0.005)
        at, running = place.done(), [line.split()[0].rpartition("/")[2] for line in alive(token) if line]
        process.send_signal(number)
        killed = time.monotonic()
        status = process.wait(60)
        ended = time.monotonic()
        while (left := alive(token)) and time.monotonic() - ended < _GONE_S:
            time.sleep(0.02)
        gone = time.monotonic() - killed
        told.append(f"{step}: {signal.Signals(number).name} at step {at}, status {status}, gone after {gone:.2f} s; "
                    f"ran {sorted(set(running))}")
        click.echo(told[-1])
        if left:
            raise KillRunsError(f"{told[-1]}, but these live: {left}")
        # Before Python runs any of our code, a signal does what it does to any process.
        allowed = {0, -9} if number == signal.SIGKILL else {0, 143, -15}
        if status not in allowed or "Traceback" in (place.folder / "screen").read_text(errors="replace"):
            raise KillRunsError(f"{told[-1]}: {(place.folder / 'screen').read_text(errors='replace')[-2000:]}")
    _ended(place.start("last"), place, 0)
    found = contents(place)
    if found != expected:
        raise KillRunsError(f"these differ: { {name for name, _ in found.items() ^ expected.items()} }")
    if list(place.temporary.iterdir()):
        raise KillRunsError(f"left among the temporary files: {list(place.temporary.iterdir())}")
    return told


def _ended(process: subprocess.Popen[bytes], place: Place, status: int) -> None:
    if process.wait() != status:
        raise KillRunsError((place.folder / "screen").read_text(errors="replace")[-2000:])


def campaign(folder: Path, rounds: int, seed: int) -> list[str]:
    """All rounds; returns a line for each kill.

    Raises:
        KillRunsError: something was left running, left behind, or came out otherwise.
    """
    place, draw = Place(folder.resolve()), random.Random(seed)
    place.folder.mkdir(parents=True, exist_ok=True)
    write_network(place.folder / "net.onnx")
    expected, seconds = undisturbed(place)
    click.echo(f"seconds of the steps: {dict(zip(STEPS, (round(one, 1) for one in seconds), strict=True))}")
    return [line for _ in range(rounds) for line in killed_round(place, seconds, expected, draw)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    click.echo(f"{len(campaign(given.folder, given.rounds, given.seed))} kills, all resumed to the same bytes")
