"""A free-running pipeline: registers without clock enables.

Back-pressure is handled with credits (see :mod:`matvec`), so no register of a
datapath needs a clock enable: it costs no fan-out, and shift registers map to
plain LUTs in every tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from amaranth.hdl import Module, Signal, Value, ValueLike

if TYPE_CHECKING:
    from quantunet_hls.ops.hardware.loader import Writing

__all__ = ["Pipeline"]


class Pipeline:
    """Adds registers to a module and keeps every lane and flag in step.

    ``flags`` are carried along with the data; :attr:`stages` counts the registers so far, :attr:`writes` has by
    name the memories that are filled at start-up, and :attr:`in_row` says how many results of the same channels come
    before those of the next.
    """

    def __init__(self, module: Module, writes: Mapping[str, Writing] | None = None, in_row: int = 1,
                 **flags: ValueLike):
        self.module, self.writes, self.in_row = module, writes or {}, in_row
        self.stages = 0
        self.flags: dict[str, Value] = {name: Value.cast(flag) for name, flag in flags.items()}

    def register(self, value: ValueLike, name: str | None = None) -> Signal:
        """The value one clock later; no reset, since the ``valid`` flag has one. Call :meth:`advance` once a stage."""
        value = Value.cast(value)
        signal = Signal(value.shape(), reset_less=True, name=name)
        self.module.d.sync += signal.eq(value)
        return signal

    def advance(self) -> None:
        """Ends a stage: the flags follow the data that has just been registered."""
        self.stages += 1
        for name, flag in self.flags.items():
            signal = Signal(name=f"{name}_{self.stages}")
            self.module.d.sync += signal.eq(flag)
            self.flags[name] = signal
