"""What makes levels of sums in each layer: multiplications or thresholds, as suits the board or as a file says."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls import boards
from quantunet_hls.boards import Resources
from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.folding.written import StreamFolding
from quantunet_hls.ops.add.stream import Add
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.multi_threshold.stage import MultiThreshold
from quantunet_hls.ops.stages.requantize.stage import Requantize
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.estimate import shares
from quantunet_hls.rtl.fold.folding_file import folded_as, folding_of
from quantunet_hls.rtl.fold.multipliers import LUTS_BESIDE, candidates, choose_multipliers, multiplying
from quantunet_hls.rtl.fold.parallelism import with_safe_depths
from quantunet_hls.rtl.fold.requantizers import in_all_forms, taken, told
from quantunet_hls.rtl.fold.storage import all_loaded
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.report import layer_reports
from quantunet_hls.rtl.simulate.verilator import build_simulator
from quantunet_hls.targets.xcup import XCUP
from quantunet_hls.types.fixed import FixedType
from tests.rtl.graphs import PIXEL, convolution

TWO = Requantize(FixedType(2, 0, False), 0, 3, 14, ((371, -222, 501, 95),), ((30_000, 9_000, -4_000, 100),))
FOUR = replace(TWO, type=FixedType(4, 0, False), high=15, shift=12)
EIGHT = replace(FOUR, type=FixedType(8, 0, False), high=255, shift=8)
SHIFT = replace(FOUR, factors=((4,),), offsets=((9,),), shift=5)
#: Of a sum of two images of four bits.
OF_SUMS = Requantize(FixedType(4, 0, False), 0, 15, 7, ((61,),), ((40,),))
SIZE = (4, 6)


def graph(stage: Requantize) -> StreamGraph:
    layer = convolution("a", "image", 2, 4, SIZE, PIXEL, seed=1)
    return StreamGraph("one", (Input("image", (), Shape(*SIZE, 2), PIXEL),
                               replace(layer, stages=(stage,), type=stage.type)))


def residual() -> StreamGraph:
    """Two convolutions whose levels are added and requantized."""
    layers = [replace(convolution(name, source, channels, 4, SIZE, kind, seed=seed), stages=(FOUR,), type=FOUR.type,
                      lanes=2)
              for name, source, channels, kind, seed in (("a", "image", 2, PIXEL, 1), ("b", "a", 4, FOUR.type, 2))]
    both = Add("both", ("a", "b"), Shape(*SIZE, 4), OF_SUMS.type, (FOUR.type, FOUR.type), (OF_SUMS,), lanes=2)
    return StreamGraph("residual", (Input("image", (), Shape(*SIZE, 2), PIXEL), *layers, both))


def board(lut: int, dsp: int) -> boards.Board:
    return replace(boards.load("zcu104"), resources=Resources(lut=lut, dsp=dsp))


def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(PIXEL.low, PIXEL.high + 1, (3, *SIZE, 2))


def forms(made: StreamGraph) -> dict[str, tuple[str, ...]]:
    return {layer.name: layer.forms for layer in made.inner}


@pytest.mark.parametrize(("stage", "kind", "searched"), [
    (FOUR, "lut", True), (FOUR, "dsp", False), (EIGHT, "lut", False), (SHIFT, "lut", False), (TWO, "dsp", True)])
def test_where_a_kind_is_asked_for_the_form_of_fewest_luts_is_taken(stage, kind, searched):
    given = graph(stage)
    made = multiplying(given, kind, boards.load("zcu104"))
    assert isinstance(made["a"].stages[0], MultiThreshold) == searched
    assert np.array_equal(execute(made, frames())["a"], execute(given, frames())["a"])
    # A folding that was written down gives the same hardware.
    assert folded_as(given, folding_of(made), XCUP)["a"].stages == made["a"].stages


@pytest.mark.parametrize(("lut", "dsp", "form"), [(100_000, 3, "thresholds"), (2_000, 3_000, "multiplication")])
def test_auto_takes_what_the_board_has(lut, dsp, form):
    given = residual()
    made = multiplying(given, "auto", board(lut, dsp))
    assert set(forms(made).values()) == {(form,)}
    found, expected = execute(made, frames()), execute(given, frames())
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize(("lut", "dsp"), [(230_400, 1_728), (3_000, 30), (50_000, 4), (2_000, 20), (200_000, 1)])
def test_no_other_choice_has_a_smaller_largest_share(lut, dsp):
    given, target = residual(), board(lut, dsp)
    every = []
    for layer in given.inner:
        formed = list(in_all_forms(layer, XCUP))
        every.append([replace(made, multipliers=choice) for made in formed for choice in candidates(made, XCUP)]
                     if hasattr(layer, "multipliers") else formed)
    assert [len(options) > 1 for options in every] == [True] * 3

    def largest(layers):
        found = [taken(layer, XCUP) for layer in layers]
        return max((sum(each.luts for each in found) + LUTS_BESIDE * len(found)) / lut,
                   sum(each.blocks for each in found) / dsp)

    chosen = largest(choose_multipliers(given, target).inner)
    assert chosen == pytest.approx(min(map(largest, itertools.product(*every))))


def test_blocks_are_counted_that_requantizers_take():
    target = board(100_000, 1_000)
    multiplied = multiplying(residual(), "dsp", target)
    searched = multiplied.with_layers({name: multiplied[name].in_forms(["thresholds"]) for name in ("a", "b", "both")})
    blocks = {made: round(shares(made, target)["dsp"] * 1_000) for made in (multiplied, searched)}
    assert blocks[multiplied] - blocks[searched] == 6


def written(made: StreamGraph, **changed: dict[str, object]) -> StreamFolding:
    """A folding, some layers' values in which were changed."""
    folding = folding_of(made)
    return replace(folding, layers={name: {**values, **changed.get(name, {})}
                                    for name, values in folding.layers.items()})


def test_a_file_chooses_layer_by_layer():
    given = residual()
    made = multiplying(given, "dsp", boards.load("zcu104"))
    assert folding_of(made).layers["both"] == {"lanes": 2, "requantizer": "multiplication"}
    found = folded_as(given, written(made, b={"requantizer": "thresholds"}), XCUP)
    assert forms(found) == {"a": ("multiplication",), "b": ("thresholds",), "both": ("multiplication",)}
    assert np.array_equal(execute(found, frames())["both"], execute(given, frames())["both"])


@pytest.mark.parametrize(("form", "said"), [
    ("search", "can't make its levels by 'search'; it can by multiplication, thresholds"),
    ("thresholds, thresholds", "makes levels 1 times, and 2 forms are given"), (3, "by '3'")])
def test_a_form_that_is_none_is_refused(form, said):
    given = residual()
    folding = written(multiplying(given, "dsp", boards.load("zcu104")), both={"requantizer": form})
    with pytest.raises(ConfigurationError, match=said):
        folded_as(given, folding, XCUP)


def test_numbers_that_are_loaded_are_multiplied_with():
    given = graph(FOUR)
    made = all_loaded(given)
    assert list(in_all_forms(made["a"], XCUP)) == [made["a"]]
    with pytest.raises(ConfigurationError, match="it can by multiplication"):
        folded_as(given, written(made, a={"requantizer": "thresholds"}), XCUP)


@pytest.mark.parametrize(("kind", "form"), [("lut", "thresholds"), ("dsp", "multiplication")])
def test_a_file_of_before_there_was_a_choice_has_the_form_of_fewest_luts(kind, form):
    given = graph(FOUR)
    folding = folding_of(multiplying(given, kind, boards.load("zcu104")))
    older = {name: {key: value for key, value in values.items() if key != "requantizer"}
             for name, values in folding.layers.items()}
    assert forms(folded_as(given, replace(folding, layers=older), XCUP)) == {"a": (form,)}


def test_the_report_says_what_makes_levels_and_instead_of_what():
    given, target = residual(), board(100_000, 1_000)
    made = multiplying(given, "dsp", target)
    made = made.with_layers({"b": made["b"].in_forms(["thresholds"])})
    own, other = (taken(each, XCUP) for each in (made["b"], made["b"].in_forms(["thresholds"])))
    assert own == other
    said = told(made, given, target)
    assert said["b"].startswith("levels by thresholds: ")
    assert "2 DSP blocks fewer than by multiplication" in said["b"]
    assert "and 0.20% of the board)" in said["b"]
    assert "2 DSP blocks more than by thresholds" in said["a"]
    kinds = [layer.kind for layer in layer_reports(made, levels=said)]
    assert kinds[2] == f"add, {said['both']}"
    fixed = graph(FOUR)
    searched = fixed.with_layers({"a": fixed["a"].in_forms(["thresholds"])})
    assert told(searched, searched, target) == {"a": "levels by thresholds: no multiplication has them"}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["multiplication", "thresholds"])
def test_the_rtl_gives_the_same_integers_in_either_form(form, tmp_path):
    given = residual()
    made = with_safe_depths(given.with_layers({layer.name: layer.in_forms([form]) for layer in given.inner}))
    simulator = build_simulator(generate(made, tmp_path / "verilog"), tmp_path / "simulation")
    assert np.array_equal(simulator.run(frames()).outputs, execute(given, frames())["both"])
