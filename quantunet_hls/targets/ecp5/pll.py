"""The ECP5's PLL: the fastest clock that it can make up to a wanted one."""

from __future__ import annotations

from dataclasses import dataclass

from quantunet_hls.core.errors import BoardError
from quantunet_hls.targets.pll import PllCell

__all__ = ["Dividers", "Ehxplll", "dividers_for"]

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


@dataclass(frozen=True)
class Ehxplll:
    """The cell EHXPLLL."""

    def cell_for(self, source_mhz: float, wanted_mhz: float) -> PllCell:
        """The cell, as of :meth:`quantunet_hls.targets.pll.Pll.cell_for`."""
        chosen = dividers_for(source_mhz, wanted_mhz)
        return PllCell(
            chosen.mhz,
            "EHXPLLL",
            # Lattice's own tools put the first four on every PLL; they set the loop filter.
            attributes={"ICP_CURRENT": "12", "LPF_RESISTOR": "8", "MFG_ENABLE_FILTEROPAMP": "1",
                        "MFG_GMCREF_SEL": "2", "FREQUENCY_PIN_CLKI": f"{source_mhz:g}",
                        "FREQUENCY_PIN_CLKOP": f"{chosen.mhz:g}"},
            parameters={
                "CLKI_DIV": chosen.input, "CLKFB_DIV": chosen.feedback, "CLKOP_DIV": chosen.output,
                "CLKOP_CPHASE": chosen.output - 1, "CLKOP_FPHASE": 0, "CLKOP_ENABLE": "ENABLED",
                "FEEDBK_PATH": "CLKOP", "PLLRST_ENA": "DISABLED", "INTFB_WAKE": "DISABLED",
                "STDBY_ENABLE": "DISABLED", "DPHASE_SOURCE": "DISABLED", "OUTDIVIDER_MUXA": "DIVA",
                "OUTDIVIDER_MUXB": "DIVB", "OUTDIVIDER_MUXC": "DIVC", "OUTDIVIDER_MUXD": "DIVD"},
            source="CLKI", feedback="CLKFB", output="CLKOP", locked="LOCK",
            constants={"RST": 0, "STDBY": 0, "PHASESEL0": 0, "PHASESEL1": 0, "PHASEDIR": 1, "PHASESTEP": 1,
                       "PHASELOADREG": 1, "PLLWAKESYNC": 0, "ENCLKOP": 0},
        )
