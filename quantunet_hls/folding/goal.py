"""What a design is folded for: a number of multipliers, a frame rate, a latency, or a share of the board."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from quantunet_hls.core.errors import ConfigurationError

__all__ = ["Goal"]


@dataclass(frozen=True)
class Goal:
    """One of these; where none is given, half of the board's multiplier blocks.

    Attributes:
        multipliers: that all convolutions may have together.
        frames_per_s: that the design must reach at its clock.
        latency_us: microseconds from a frame's first pixel to its last result.
        share: of the board's look-up tables and of its multiplier blocks that may be taken, up to 1.
    """

    multipliers: int | None = None
    frames_per_s: float | None = None
    latency_us: float | None = None
    share: float | None = None

    def __post_init__(self) -> None:
        given = {field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None}
        if len(given) > 1:
            one, other = list(given)[:2]
            raise ConfigurationError(f"A design can't be folded for {one} and {other} at once; give one of them.")
        if self.multipliers is not None and self.multipliers < 1:
            raise ConfigurationError(f"A budget of {self.multipliers} multipliers can't be met; give 1 or more.")
        for name in ("frames_per_s", "latency_us"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ConfigurationError(f"{name} must be a positive number, not {value}.")
        if self.share is not None and not 0 < self.share <= 1:
            raise ConfigurationError(f"A share of the board is a number above 0 and up to 1, not {self.share}.")

    def missed_rate(self, fastest: str, cycles: int, clock_ns: float) -> ConfigurationError:
        """The refusal of a frame rate: what is fastest, and what it reaches."""
        return ConfigurationError(
            f"{self.frames_per_s:g} frames a second can't be reached: the {fastest} takes {cycles} cycles a frame, "
            f"which are {1e9 / (cycles * clock_ns):.4g} frames a second at {clock_ns:g} ns.")

    def cycles(self, clock_ns: float) -> int | None:
        """Clock cycles that a frame may take for the frame rate; None for another goal.

        Raises:
            ConfigurationError: more frames a second than clock cycles.
        """
        if self.frames_per_s is None:
            return None
        cycles = math.floor(1e9 / (self.frames_per_s * clock_ns))
        if not cycles:
            raise ConfigurationError(f"{self.frames_per_s:g} frames a second are more than the clock of "
                                     f"{1000 / clock_ns:g} MHz has cycles; ask for fewer.")
        return cycles
