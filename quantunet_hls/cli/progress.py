"""What is at work, for a person who waits: no ten seconds without a sign of it."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from rich.console import Console

__all__ = ["Progress"]

#: Seconds without a line after which one is due where nothing can move on the screen.
_PULSE_S = 8.0


class Progress:
    """On a terminal a line that moves; in a pipe or a log a line whenever some seconds have passed without one.

    Args:
        console: where to.
        title: what is at work first.
        pulse_s: seconds without a line after which one is due.
    """

    def __init__(self, console: Console, title: str, *, pulse_s: float = _PULSE_S):
        self._console, self._title, self._pulse_s = console, title, pulse_s
        self._status = console.status(title)
        self._moves = console.is_terminal and not console.is_dumb_terminal
        self._begun = self._said = time.monotonic()
        self._ended = threading.Event()
        self._pulse = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Progress:
        if self._moves:
            self._status.start()
        else:
            self._pulse.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ended.set()
        if self._moves:
            self._status.stop()
        else:
            self._pulse.join()

    def begin(self, title: str) -> None:
        """Something else is at work now."""
        self._title, self._begun = title, time.monotonic()
        self._status.update(title)

    def line(self, text: str, style: str | None = None) -> None:
        """Print a line."""
        self._said = time.monotonic()
        self._console.print(text, style=style, highlight=False, markup=False)

    def _beat(self) -> None:
        while not self._ended.wait(max(self._said + self._pulse_s - time.monotonic(), 0.05)):
            now = time.monotonic()
            if now - self._said >= self._pulse_s:
                try:
                    self.line(f"  {self._title}: {now - self._begun:.0f} s", style="dim")
                except OSError:
                    # Who prints next is told; this thread only stops.
                    return
