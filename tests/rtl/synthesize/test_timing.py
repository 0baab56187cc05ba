"""The longest path of netlists whose longest path is known."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import BoardError
from quantunet_hls.core.open_tools import yosys_share
from quantunet_hls.rtl.synthesize.timing import (
    CLOCK,
    Arc,
    Cell,
    CellDelays,
    Netlist,
    as_cell,
    cell_delays,
    longest_path,
)
from quantunet_hls.targets.xc7 import XC7

_DELAYS = cell_delays(XC7.delays.file)
_OUTPUTS = {"O", "Q", "CO", "P", "PCOUT", "CARRYOUT", "Q31", "y"}

# Delays in ps of the 7 series as Project X-Ray measured them: clock to Q and the setups of a flip-flop.
_CLOCK_TO_Q, _ENABLE_SETUP = 303, 109


def cell(kind, parameters=None, **ports):
    """A cell; a port is a net's number, or a list of them, None for a constant."""
    bits = {name: tuple(value) if isinstance(value, list) else (value,) for name, value in ports.items()}
    return Cell(kind, {name: value for name, value in bits.items() if name not in _OUTPUTS},
                {name: value for name, value in bits.items() if name in _OUTPUTS}, parameters or {})


def register(source, sink, enable=None):
    return cell("FDRE", C=1, CE=enable, R=None, D=source, Q=sink)


def netlist(inputs=None, outputs=None, **cells):
    return Netlist("m", {"clk": (1,), **(inputs or {})}, outputs or {}, cells)


def longest(module):
    return longest_path(module, _DELAYS)


def test_a_chain_of_luts_ends_at_a_register():
    found = longest(netlist(
        first=register(None, 10), a=cell("LUT6", I0=10, I1=None, O=11), b=cell("LUT2", I0=None, I1=11, O=12),
        c=cell("LUT1", I0=12, O=13), last=register(13, 14)))
    assert found.ps == _CLOCK_TO_Q + 642 + 127 + 127
    assert (found.start, found.end, found.cells, found.luts) == ("first.Q", "last.D", ("LUT6", "LUT2", "LUT1"), 3)
    assert found.ns == found.ps / 1000


def test_the_setup_of_the_end_counts():
    found = longest(netlist(first=register(None, 10), a=cell("LUT1", I0=10, O=11),
                            data=register(11, 12), enabled=register(None, 13, enable=11)))
    assert (found.ps, found.end) == (_CLOCK_TO_Q + 127 + _ENABLE_SETUP, "enabled.CE")


def test_inputs_and_outputs_of_the_module_are_ends_too():
    luts = {"a": cell("LUT1", I0=10, O=11), "b": cell("LUT1", I0=11, O=12)}
    found = longest(netlist({"i": (9, 10)}, {"o": (12,)}, **luts))
    assert (found.ps, found.start, found.end) == (2 * 127, "i[1]", "o")


def test_a_carry_chain_is_three_cells_long():
    def carry(into, propagate, out, total=(None, None, None, None)):
        return cell("CARRY4", CI=into, CYINIT=None, DI=[None] * 4, S=[propagate, None, None, None],
                    CO=[None, None, None, out], O=list(total))

    found = longest(netlist(first=register(None, 10), low=carry(None, 10, 11), mid=carry(11, None, 12),
                            high=carry(12, None, None, (None, None, None, 13)), last=register(13, 14)))
    # S[0] to CO[3], CI to CO[3], CI to O[3].
    assert found.ps == _CLOCK_TO_Q + 508 + 114 + 313
    assert (found.carries, found.luts) == (3, 0)


def multiplier(a, p, b=None, **registers):
    return cell("DSP48E2", {"AREG": 0, "BREG": 0, "CREG": 0, "MREG": 0, "PREG": 0, **registers}, CLK=1,
                A=list(a), B=[b] * 18, C=[None] * 48, P=list(p))


def test_a_path_goes_through_a_multiplier_without_registers():
    found = longest(netlist(first=register(None, 10), product=multiplier([None] * 3 + [10], range(20, 68), 10),
                            a=cell("LUT1", I0=67, O=70), last=register(70, 71)))
    assert found.ps == _CLOCK_TO_Q + 2823 + 127
    assert found.cells == ("DSP48E2", "LUT1")


def test_a_registered_product_splits_the_path():
    halves = {"first": register(None, 10), "product": multiplier([10], range(20, 68), MREG=1)}
    found = longest(netlist(**halves, last=register(67, 71)))
    assert (found.ps, found.start, found.end) == (_CLOCK_TO_Q + 1416, "first.Q", "product.A")
    # The other half, from the register behind the product, is the longer one with a LUT to come.
    found = longest(netlist(**halves, a=cell("LUT1", I0=67, O=70), last=register(70, 71)))
    assert (found.ps, found.start, found.end) == (1671 + 127, "product.P[47]", "last.D")


def test_paths_are_not_joined_over_a_register():
    short = {"a": cell("LUT1", I0=10, O=11), "mid": register(11, 12)}
    long = {"b": cell("LUT6", I0=12, O=13), "last": register(13, 14)}
    assert longest(netlist(first=register(None, 10), **short, **long)).ps == _CLOCK_TO_Q + 642
    # A shift register's tap is registered by its data and passes its address on.
    tap = cell("SRL16E", CE=None, CLK=1, D=13, A0=12, A1=None, A2=None, A3=None, Q=15)
    found = longest(netlist(first=register(None, 10), **short, **long, tap=tap, behind=register(15, 16)))
    assert (found.ps, found.start) == (1472, "tap.Q")


@given(st.data())
def test_random_logic_has_the_longest_of_all_its_paths(data):
    """Each LUT takes earlier nets; the longest path is found by walking every one."""
    count = data.draw(st.integers(1, 7))
    sources = [data.draw(st.lists(st.integers(0, number), min_size=1, max_size=3, unique=True))
               for number in range(count)]
    delays = [data.draw(st.lists(st.integers(1, 9), min_size=3, max_size=3)) for _ in range(count)]
    table = {**_DELAYS, **{f"LUT{n}": CellDelays(tuple(Arc(f"I{i}", "O", ps) for i, ps in enumerate(row)))
                           for n, row in enumerate(delays)}}
    # Net 10 is the input, and net 11 + n comes from LUT n.
    luts = {f"l{n}": cell(f"LUT{n}", O=11 + n, **{f"I{i}": 10 + net for i, net in enumerate(nets)})
            for n, nets in enumerate(sources)}

    def latest(net):
        return max(([latest(source) + delays[net - 1][i] for i, source in enumerate(sources[net - 1])]),
                   default=0) if net else 0

    found = longest_path(netlist({"i": (10,)}, {"o": tuple(range(11, 11 + count))}, **luts), table)
    assert found.ps == max(latest(net) for net in range(1, count + 1))
    assert (found.start, found.luts) == ("i", len(found.cells))


def test_a_module_seen_as_one_cell_gives_the_path_of_the_whole():
    inside = {"a": cell("LUT6", I0=20, O=21), "kept": register(21, 22), "b": cell("LUT3", I0=20, O=23)}
    module = Netlist("inner", {"clk": (1,), "x": (20,)}, {"y": (22, 23, None)}, inside)
    as_one = as_cell(module, _DELAYS)
    assert {(arc.source, arc.sink): arc.ps for arc in as_one.arcs} == {
        (CLOCK, "y"): _CLOCK_TO_Q, ("x", "y"): 407, ("x", CLOCK): 642, ("clk", CLOCK): 0}
    around = {"first": register(None, 20), "c": cell("LUT5", I0=23, O=24), "last": register(24, 25)}
    nested = netlist(inner=cell("inner", clk=1, x=20, y=[22, 23, 26]), still=cell("LUT1", I0=26, O=27), **around)
    whole = longest_path(nested, {**_DELAYS, "inner": as_one})
    assert whole.ps == longest(netlist(**inside, **around)).ps == _CLOCK_TO_Q + 407 + 631


@pytest.mark.parametrize(("cells", "said"), [
    ({"big": cell("URAM288", ADDR_A=10)}, r"of m has the cell URAM288 \(big\), which has no delays"),
    ({"p": multiplier([10], range(20, 68)), "q": cell("DSP48E1", {"USE_DPORT": "TRUE"}, A=10, P=11)},
     "DSP48E1 q with USE_DPORT 'TRUE', but .* 'FALSE' only"),
    ({"p": cell("DSP48E1", A=10, CARRYOUT=11), "last": register(11, 12)}, "CARRYOUT of the DSP48E1 p"),
    ({"a": cell("LUT1", I0=10, O=11), "b": cell("LUT2", I0=11, I1=None, O=10)},
     "loop of logic without a register, through LUT1, LUT2"),
    ({}, "no path"),
])
def test_what_has_no_estimate_is_told_in_a_sentence(cells, said):
    with pytest.raises(BoardError, match=said):
        longest_path(Netlist("m", {}, {}, cells), _DELAYS)


def test_the_table_has_what_the_specify_blocks_of_yosys_say():
    text = (yosys_share() / "xilinx" / "cells_sim.v").read_text(encoding="utf-8")
    compared = 0
    for name in ("INV", "LUT3", "LUT6", "MUXF7", "MUXF8", "CARRY4", "RAM32X1D", "RAM32M", "SRL16E", "SRLC32E", "FDRE",
                 "FDSE", "RAMB18E1"):
        body = re.search(rf"^module {name}\b.*?^endmodule", text, re.M | re.S)[0]
        through = {(a, b): int(ps) for a, b, ps in re.findall(r"\(([\w\[\]]+) *[=*]> ([\w\[\]]+)\) = (\d+);", body)}
        setups = {(a, CLOCK): int(ps) for a, ps in re.findall(r"\$setup\(([\w\[\]]+) *, posedge [^;]*, (\d+)\);", body)}
        ours = {(arc.source, arc.sink): arc.ps for arc in _DELAYS[name].arcs if arc.source != CLOCK}
        said = {**through, **setups}
        assert said.items() <= ours.items(), name
        compared += len(said)
    assert compared > 100
