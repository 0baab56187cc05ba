"""Dividers for the ECP5's PLL: the fastest clock that it can make up to a wanted one."""

from __future__ import annotations

from dataclasses import dataclass

from quantunet_hls.core.errors import BoardError

__all__ = ["Dividers", "dividers_for"]

#: Limits of EHXPLLL in MHz (ECP5 family data sheet FPGA-DS-02012, "sysCLOCK PLL timing").
PHASE_DETECTOR_MHZ = (10.0, 400.0)
VCO_MHZ = (400.0, 800.0)

#: Largest input, feedback and output dividers (FPGA-TN-02200).
LARGEST_INPUT, LARGEST_FEEDBACK, LARGEST_OUTPUT = 128, 80, 128


@dataclass(frozen=True)
class Dividers:
    """A setting with the feedback taken from the output: out = in / input * feedback, VCO = out * output.

    Attributes:
        input, feedback, output: CLKI_DIV, CLKFB_DIV and CLKOP_DIV.
        source_mhz: the clock that comes in.
    """

    input: int
    feedback: int
    output: int
    source_mhz: float

    @property
    def mhz(self) -> float:
        """The clock that comes out."""
        return self.source_mhz * self.feedback / self.input

    @property
    def vco_mhz(self) -> float:
        """The oscillator's frequency."""
        return self.mhz * self.output


def dividers_for(source_mhz: float, wanted_mhz: float) -> Dividers:
    """The setting whose clock is nearest to the wanted one and not above it; of equal ones that of the lowest jitter.

    A fast phase detector and a VCO in the middle of its range make the least jitter. From 25 MHz come multiples
    of 12.5 MHz, for the phase detector takes no less than 10 MHz.

    Raises:
        BoardError: no setting gives a clock as slow or as fast as that.
    """
    best: tuple[float, int, float] | None = None
    found: Dividers | None = None
    for into in range(1, LARGEST_INPUT + 1):
        if not PHASE_DETECTOR_MHZ[0] <= source_mhz / into <= PHASE_DETECTOR_MHZ[1]:
            continue
        feedback = min(int(wanted_mhz * into / source_mhz + 1e-9), LARGEST_FEEDBACK)
        if feedback < 1:
            continue
        mhz = source_mhz * feedback / into
        for out in range(1, LARGEST_OUTPUT + 1):
            if VCO_MHZ[0] <= mhz * out <= VCO_MHZ[1]:
                rank = (round(wanted_mhz - mhz, 6), into, abs(mhz * out - sum(VCO_MHZ) / 2))
                if best is None or rank < best:
                    best, found = rank, Dividers(into, feedback, out, source_mhz)
    if found is None or found.mhz < wanted_mhz / 2:
        raise BoardError(f"The ECP5's PLL makes no clock near {wanted_mhz:g} MHz from {source_mhz:g} MHz; "
                         "ask for 12.5 to 400 MHz.")
    return found
