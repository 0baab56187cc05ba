from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError, MismatchError
from quantunet_hls.ops.concat.stream import Concat
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.multipliers import Multipliers
from quantunet_hls.ops.packing import packing
from quantunet_hls.ops.pooling.stream import Pooling
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.ops.weighted import Weighted
from quantunet_hls.ops.window import Window
from quantunet_hls.rtl.fold.multipliers import with_multipliers
from quantunet_hls.rtl.fold.parallelism import fold, with_safe_depths
from quantunet_hls.rtl.generate import contents
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.harness import DeadlockError, Stalls, pack, unpack
from quantunet_hls.rtl.simulate.program import verilate
from quantunet_hls.rtl.simulate.verilator import build_simulator, compare
from quantunet_hls.targets.xcup import XCUP
from quantunet_hls.types.fixed import FixedType
from tests.rtl.graphs import CODE, PIXEL, convolution, every_kind, frames_for, windows_tables_and_classes


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """Every layer kind, folded so that lanes, PE and SIMD differ from layer to layer, with all kinds of multipliers."""
    folder = tmp_path_factory.mktemp("kinds")
    graph = with_multipliers(fold(every_kind(), 1500), "packed", XCUP)
    changed = {"each": "lut", "mid": "lut", "merge": "dsp"}
    graph = graph.with_layers({name: replace(graph[name], multipliers=Multipliers(kind))
                               for name, kind in changed.items()})
    assert {layer.multipliers.kind for layer in graph.layers if isinstance(layer, Weighted)} == {"dsp", "packed", "lut"}
    return build_simulator(generate(graph, folder / "verilog", probes=True), folder / "simulation", traced=True)


def unrolled():
    """A window a clock in shifts and adders, then a column a clock, then a window a clock for three lanes' groups."""
    graph = StreamGraph("unrolled", (
        Input("image", (), Shape(6, 8, 2), PIXEL, lanes=2),
        convolution("whole", "image", 2, 3, (6, 8), PIXEL, seed=1),
        convolution("column", "whole", 3, 4, (6, 8), CODE, seed=2),
        convolution("groups", "column", 4, 6, (6, 8), CODE, seed=3,
                    window=Window((2, 3), (1, 1), (1, 0, 1, 1))),
    ))
    changes = {"whole": (3, 18, Multipliers("adders")), "column": (4, 9, packing(
        graph["column"].weights, CODE, 3, XCUP.multiplier.operands)), "groups": (2, 24, Multipliers("lut"))}
    changes["column"] = (*changes["column"][:2], replace(changes["column"][2], rest_in_luts=True))
    return graph.with_layers({name: replace(graph[name], lanes=lanes, simd=simd, multipliers=multipliers)
                              for name, (lanes, simd, multipliers) in changes.items()})


def test_contents_of_memories_are_read_and_need_no_other_program(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "contents_apart", partial(contents.contents_apart, longest=8))
    first = convolution("only", "image", 2, 3, (4, 4), PIXEL, seed=1)
    programs = []
    # The same weights at other taps: sums are as wide as before.
    for layer in (first, replace(first, weights=first.weights[::-1, ::-1])):
        graph = StreamGraph("one", (Input("image", (), Shape(4, 4, 2), PIXEL, lanes=2), layer))
        graph = with_multipliers(graph, "lut", XCUP)
        simulator = build_simulator(generate(graph, tmp_path / "verilog"), tmp_path / "simulation")
        assert simulator.contents
        frames = frames_for(graph, 2)
        assert np.array_equal(simulator.run(frames).outputs, execute(graph, frames)["only"])
        programs.append(simulator.program.stat().st_mtime_ns)
    assert programs[0] == programs[1]


def test_beats_of_columns_and_whole_windows_lose_no_clock(tmp_path):
    graph = with_safe_depths(unrolled())
    assert [layer.cycles for layer in graph.layers] == [48, 48, 144, 144]
    frames = frames_for(graph, 4)
    expected = execute(graph, frames)
    simulator = build_simulator(generate(graph, tmp_path, probes=True), tmp_path / "simulation", traced=True)
    for stalls in (Stalls(), Stalls(0.3, 0.3, 5)):
        seen = simulator.run(frames, stalls=stalls)
        compare(expected, {**seen.traces, "groups": seen.outputs}, graph)
        if stalls == Stalls():
            slowest = max(graph.layers, key=lambda layer: layer.cycles)
            assert seen.cycles_per_frame == slowest.macs / slowest.mac_units


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(0.4, 0.0, 2), Stalls(0.0, 0.5, 3), Stalls(0.3, 0.3, 4)])
def test_every_layer_kind_equals_the_reference_whatever_stalls(kinds, stalls):
    frames = frames_for(kinds.graph, 4)
    expected = execute(kinds.graph, frames)
    seen = kinds.run(frames, stalls=stalls)
    compare(expected, {**seen.traces, kinds.graph.output.name: seen.outputs}, kinds.graph)
    assert set(seen.traces) == {layer.name for layer in kinds.graph.layers[:-1]}
    assert (seen.outputs == expected[kinds.graph.output.name]).all()


@pytest.mark.parametrize("cycles", [700, pytest.param(1500, marks=pytest.mark.slow)])
def test_windows_tables_and_classes_equal_the_reference_whatever_stalls(cycles, tmp_path):
    graph = fold(windows_tables_and_classes(), cycles)
    simulator = build_simulator(generate(graph, tmp_path / "verilog", probes=True), tmp_path / "simulation",
                                traced=True)
    frames = frames_for(graph, 4)
    expected = execute(graph, frames)
    # Each class is somewhere the first of the largest.
    assert set(np.unique(expected["mask"])) == set(range(5))
    for stalls in (Stalls(), Stalls(0.4, 0.0, 2), Stalls(0.0, 0.5, 3), Stalls(0.3, 0.3, 4)):
        seen = simulator.run(frames, stalls=stalls)
        compare(expected, {**seen.traces, graph.output.name: seen.outputs}, graph)
        assert (seen.outputs == expected["both"]).all()


def unread_ends():
    """Every layer behind the first computes its last window before its frame has ended: rows and columns are left."""
    halves, quarters, pixels = Shape(10, 9, 2), Shape(4, 4, 3), Shape(2, 2, 3)
    return StreamGraph("unread", (
        Input("image", (), Shape(21, 19, 1), PIXEL),
        convolution("first", "image", 1, 2, (21, 19), PIXEL, seed=1),
        Pooling("halved", ("first",), halves, CODE, Shape(21, 19, 2), CODE, Window((2, 2), (2, 2)), "max",
                (Cast(CODE),), slack=19),
        convolution("strided", "halved", 2, 3, (10, 9), CODE, seed=2, window=Window((3, 3), (2, 2))),
        Pooling("picked", ("strided",), pixels, CODE, quarters, CODE, Window((1, 1), (2, 2)), "max", (Cast(CODE),),
                slack=4),
    ))


@pytest.mark.parametrize("cycles", [900, pytest.param(3000, marks=pytest.mark.slow)])
def test_traces_are_whole_where_the_end_of_a_frame_is_in_no_window(cycles, tmp_path):
    graph = fold(unread_ends(), cycles)
    simulator = build_simulator(generate(graph, tmp_path / "verilog", probes=True), tmp_path / "simulation",
                                traced=True)
    # Without traces nothing is waited for; it is another program, whose building takes its time.
    plain = build_simulator(generate(graph, tmp_path / "verilog"), tmp_path / "plain") if cycles == 3000 else None
    for count, stalls in ((1, Stalls()), (4, Stalls()), (4, Stalls(0.4, 0.0, 2)), (4, Stalls(0.0, 0.5, 3)),
                          (4, Stalls(0.3, 0.3, 4))):
        frames = frames_for(graph, count)
        seen = simulator.run(frames, stalls=stalls)
        compare(execute(graph, frames), {**seen.traces, "picked": seen.outputs}, graph)
        assert set(seen.traces) == {layer.name for layer in graph.layers[:-1]}
        # The clocks end with the last output beat, however long the traces are waited for.
        assert seen.cycles == seen.frame_ends[-1] + 1
        if count > 1 and stalls == Stalls():
            assert seen.cycles_per_frame == graph.cycles
        if plain:
            other = plain.run(frames, stalls=stalls)
            assert (seen.cycles, seen.frame_ends) == (other.cycles, other.frame_ends)


def test_frames_follow_each_other_at_the_pace_of_the_slowest_layer(kinds):
    seen = kinds.run(frames_for(kinds.graph, 5))
    assert seen.cycles_per_frame == kinds.graph.cycles
    assert seen.first_output < seen.frame_ends[0] < seen.cycles
    fills = seen.largest_fill
    assert set(fills) == {edge for edge, _, _ in kinds.graph.edges}
    assert fills["down->both"] > 2


def test_equal_designs_are_neither_written_nor_compiled_again(kinds):
    folder = kinds.program.parent.parent
    before = {path: path.stat().st_mtime_ns for path in (*(folder / "verilog").glob("*.v"), kinds.program)}
    build_simulator(generate(kinds.graph, folder / "verilog", probes=True), folder / "simulation", traced=True)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_frames_that_do_not_fit_are_refused(kinds):
    with pytest.raises(ConfigurationError, match="8x12 pixels and 3 channels"):
        kinds.run(np.zeros((1, 12, 8, 3), int))
    with pytest.raises(ConfigurationError, match="codes from 0 to 255"):
        kinds.run(np.full((1, 8, 12, 3), 256))


def test_a_skip_that_is_too_short_is_a_deadlock_that_names_it(tmp_path):
    size = (6, 24)
    graph = StreamGraph("short", (
        Input("image", (), Shape(*size, 1), PIXEL),
        convolution("long", "image", 1, 1, size, PIXEL),
        convolution("skip", "image", 1, 1, size, PIXEL, window=Window((1, 1))),
        Concat("both", ("skip", "long"), Shape(*size, 2), CODE, (1, 1)),
    ))
    simulator = build_simulator(generate(graph, tmp_path, probes=True), tmp_path / "simulation", wave=True)
    with pytest.raises(DeadlockError, match="skip->both is full while its reader waits for long->both"):
        simulator.run(frames_for(graph, 1), quiet_limit=2000, wave=tmp_path / "stuck.vcd")
    # What a person needs to see why: the streams up to where they stand still.
    assert "probe_ready" in (tmp_path / "stuck.vcd").read_text()


def test_packing_is_its_own_inverse():
    rng = np.random.default_rng(0)
    for width, signed, lanes in ((1, False, 3), (6, False, 8), (13, True, 5), (17, True, 4)):
        type_ = FixedType(width, 0, signed)
        codes = rng.integers(type_.low, type_.high + 1, (20, lanes))
        assert (unpack(pack(codes, lanes, width), lanes, type_) == codes).all()


def test_comparison_names_the_first_layer_that_differs():
    graph = every_kind()
    values = execute(graph, frames_for(graph, 1))
    wrong = {name: codes.copy() for name, codes in values.items()}
    wrong["mid"][0, 1, 2, 3] += 1
    wrong["up"][0] += 1
    with pytest.raises(MismatchError, match=r"Layer 'mid' differs in 1 of .* \(0, 1, 2, 3\)"):
        compare(values, wrong, graph)


def test_folding_that_divides_nothing_is_refused():
    graph = every_kind()
    with pytest.raises(IllegalGraphError, match=r"'down'.*4 lanes do not divide its 6 channels"):
        graph.with_layers({"down": replace(graph["down"], lanes=4)})
    with pytest.raises(ConfigurationError, match="takes at least"):
        fold(graph, 10)


@pytest.mark.parametrize(("window", "rule"), [
    (Window((9, 3)), "larger than the padded image"),
    (Window((3, 3), padding=(3, 1, 1, 1)), "lies in its padding alone"),
])
def test_windows_that_cannot_be_generated_are_refused(window, rule):
    with pytest.raises(IllegalGraphError, match=f"'conv'.*{rule}"):
        StreamGraph("none", (Input("image", (), Shape(6, 6, 1), PIXEL),
                             convolution("conv", "image", 1, 1, (6, 6), PIXEL, window=window)))


def test_a_program_is_the_same_whoever_compiled_the_simulators_own_part(monkeypatch, tmp_path):
    monkeypatch.setattr("quantunet_hls.rtl.simulate.program._runtimes", {})
    (tmp_path / "top.v").write_text("module top(input a, output b); assign b = ~a; endmodule\n")
    harness = '#include "Vdesign.h"\nint main() { Vdesign design; design.eval(); return design.b; }\n'
    programs, compiled = [], []
    for name in ("first", "second"):
        program = verilate("top", [tmp_path / "top.v"], tmp_path / name, harness, "", optimize=False)
        programs.append(program.read_bytes())
        compiled.append((tmp_path / name / "runtime.log").exists())
    assert programs[0] == programs[1]
    assert compiled == [True, False]


def test_a_program_of_several_units_is_the_same_program(monkeypatch, tmp_path):
    graph = StreamGraph("units", (Input("image", (), Shape(4, 4, 1), PIXEL),
                                  convolution("only", "image", 1, 1, (4, 4), PIXEL)))
    design, frames = generate(graph, tmp_path / "verilog", probes=True), frames_for(graph, 2)
    whole = build_simulator(design, tmp_path / "whole", traced=True)
    monkeypatch.setattr("quantunet_hls.rtl.simulate.program._UNIT_BYTES", 1000)
    parts = build_simulator(design, tmp_path / "parts", traced=True, optimize=True)
    logs = {path.stem for path in (tmp_path / "parts").glob("*.log")}
    assert {"fast0", "fast1", "slow0", "slow1"} <= logs
    seen, expected = parts.run(frames), whole.run(frames)
    assert (seen.cycles, seen.largest_fill) == (expected.cycles, expected.largest_fill)
    assert np.array_equal(seen.outputs, expected.outputs)
