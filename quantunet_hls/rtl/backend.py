"""The hls4ml backend ``StreamingRTL``: conversion, compile(), predict() and build() as with any other backend.

Conversion goes through hls4ml's own optimization and type inference; what
follows is :mod:`quantunet_hls.rtl.project`. Nothing of C++ HLS or of a vendor's
tool is involved.

This module is imported whenever hls4ml is, so it imports little: the RTL
generator and its tools come in when a model is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from hls4ml.backends import FPGABackend
from hls4ml.model.flow import register_flow
from hls4ml.writer.writers import Writer

from quantunet_hls.core.errors import ConfigurationError, ToolNotFoundError

if TYPE_CHECKING:
    from hls4ml.model.graph import ModelGraph

    from quantunet_hls.reports.schema import Figure, LayerReport
    from quantunet_hls.rtl.project import Project
    from quantunet_hls.rtl.simulate.harness import Stalls

__all__ = ["StreamingRTLBackend", "StreamingRTLWriter", "register"]

NAME = "StreamingRTL"


def _project(model: ModelGraph) -> Project:
    try:
        from quantunet_hls.rtl.project import project
    except ModuleNotFoundError as error:
        raise ToolNotFoundError(str(error.name), f"the backend {NAME}", "run `pip install quantunet-hls[rtl]`"
                                ) from error
    return project(model)


class StreamingRTLWriter(Writer):
    """Writes the project folder: Verilog files, one a layer, under ``verilog``."""

    def write_hls(self, model: ModelGraph) -> None:
        """Lower the model, fold it and write its Verilog.

        Raises:
            IllegalGraphError, ConfigurationError: the model can't be built so.
            ToolNotFoundError, ToolFailedError: Yosys is absent or failed.
        """
        _project(model).design()


class StreamingRTLBackend(FPGABackend):
    """hls4ml backend that writes streaming RTL."""

    def __init__(self) -> None:
        super().__init__(NAME)
        initialize = register_flow("init_layers", self._get_layer_initializers(), requires=["optimize"],
                                   backend=self.name)
        types = register_flow("optimize", ["infer_precision_types"], requires=[initialize], backend=self.name)
        self._default_flow = register_flow("ip", None, requires=["optimize", initialize, types], backend=self.name)
        self._writer_flow = register_flow("write", ["make_stamp", f"{NAME.lower()}:write_hls"],
                                          requires=[self._default_flow], backend=self.name)

    def get_default_flow(self) -> str:
        """Name of the flow that conversion runs."""
        return str(self._default_flow)

    def get_writer_flow(self) -> str:
        """Name of the flow that writes the project."""
        return str(self._writer_flow)

    def create_initial_config(self, part: str = "xczu7ev-ffvc1156-2-e", clock_period: float = 5,
                              io_type: str = "io_stream", cycles_per_frame: int | None = None,
                              multipliers: str = "auto",
                              **unknown: Any) -> dict[str, Any]:
        """hls4ml's configuration for this backend.

        Args:
            part: with package and speed grade.
            clock_period: target in ns.
            io_type: ``io_stream``, the only one.
            cycles_per_frame: clocks that the slowest layer may take for a frame.
            multipliers: what all layers multiply with: ``dsp``, ``packed`` or ``lut``; ``auto`` lets the part decide.

        Raises:
            ConfigurationError: another ``io_type``, or a keyword that this backend lacks.
        """
        if io_type != "io_stream":
            raise ConfigurationError(f"The backend {NAME} has io_type='io_stream' only, not {io_type!r}.")
        if unknown:
            raise ConfigurationError(f"The backend {NAME} has no setting {sorted(unknown)[0]!r}; it has part, "
                                     "clock_period, io_type, cycles_per_frame and multipliers.")
        return {"Part": part, "ClockPeriod": clock_period, "IOType": io_type, "CyclesPerFrame": cycles_per_frame,
                "Multipliers": multipliers}

    def compile(self, model: ModelGraph) -> str:
        """Build the simulation program.

        Returns:
            A library for hls4ml to load; nothing in it is called, for :meth:`predict` runs the program.

        Raises:
            ToolNotFoundError, ToolFailedError: Yosys, Verilator or the C++ compiler is absent or failed.
        """
        return str(_project(model).compile())

    def predict(self, model: ModelGraph, x: np.ndarray, *, stalls: Stalls | None = None) -> np.ndarray:
        """Simulate the RTL on images.

        Args:
            x: floats (images, height, width, channels), or any shape of that many values.
            stalls: random pauses at both ends.

        Returns:
            Floats as hls4ml's C++ backends give them: (images, values), of one image (values,).

        Raises:
            ConfigurationError: not a whole number of images.
            DeadlockError: the design stands still.
        """
        return _project(model).predict(x, stalls)

    def build(self, model: ModelGraph, *, dsp: bool = True, place: bool = False, workers: int | None = None,
              progress: Callable[[str, Any], None] | None = None
              ) -> dict[str, tuple[Figure, ...] | tuple[LayerReport, ...]]:
        """Map the design to the part's cells, layer by layer; on ECP5 place and route it where asked.

        Returns:
            ``figures`` of the whole design and ``layers``.

        Raises:
            BoardError: a part of no family that Yosys maps.
            ToolNotFoundError, ToolFailedError: a tool is absent or failed.
        """
        return _project(model).build(dsp=dsp, place=place, workers=workers, progress=progress)


def register(*, register_backend: Callable[[str, type], None], register_writer: Callable[[str, type], None]) -> None:
    """Entry point of group ``hls4ml.backends``: makes the backend known to hls4ml."""
    # hls4ml makes the backend at once, and a backend looks for its writer.
    register_writer(NAME, StreamingRTLWriter)
    register_backend(NAME, StreamingRTLBackend)
