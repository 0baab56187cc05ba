"""Layers that are simulated a batch at a time: each as if it were alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.generate.design import module_name
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.harness import DeadlockError, Stalls
from quantunet_hls.rtl.simulate.layer_simulation import LayerBench
from quantunet_hls.rtl.simulate.netlist_layers import Compared, LayerCheck, batches, check_layers
from tests.rtl.graphs import PIXEL, convolution, frames_for

_STALLS = Stalls(0.2, 0.3)


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    """Two layers of a network: their RTL takes the place of netlists."""
    graph = StreamGraph("batch", (
        Input("image", (), Shape(4, 5, 1), PIXEL),
        convolution("first", "image", 1, 2, (4, 5), PIXEL, seed=1),
        convolution("second", "first", 2, 1, (4, 5), convolution("x", "y", 1, 1, (3, 3), PIXEL).type, seed=2),
    ))
    folder, frames = tmp_path_factory.mktemp("batch"), frames_for(graph, 2)
    design, codes = generate(graph, folder / "verilog"), execute(graph, frames)
    codes = {**codes, "image": frames}
    made = []
    for layer in graph.inner:
        module = module_name(graph, layer)
        bench = LayerBench(module, (design.files[module],), layer, tuple(graph.sources_of(layer)))
        made.append(LayerCheck(bench, tuple(codes[source] for source in layer.sources), codes[layer.name],
                               folder, _STALLS, 10_000))
    return made


def _placed(checks, folder):
    return [replace(check, folder=folder / check.name) for check in checks]


def test_a_layer_gives_the_same_alone_and_beside_another(checks, tmp_path):
    told = []
    together = check_layers(_placed(checks, tmp_path / "together"), lambda name, compared: told.append(name))
    assert together == {"first": Compared("first", 2 * 4 * 5 * 2, 0, 80), "second": Compared("second", 40, 0, 40)}
    assert told == ["first", "second"]
    assert sorted(path.name for path in (tmp_path / "together").rglob("*")) == [
        "compared.json", "compared.json", "first", "second"]
    # A layer that is cut short by its clocks shows where exactly it was.
    short = [replace(check, cycle_limit=60) for check in checks]
    both = check_layers(_placed(short, tmp_path / "short"), lambda *_: None)
    alone = check_layers(_placed(short[1:], tmp_path / "alone"), lambda *_: None)
    assert 0 < alone["second"].values < 40
    assert both["second"] == alone["second"]


def test_one_that_stands_still_takes_no_other_result_with_it(checks, tmp_path, monkeypatch):
    first, second = _placed(checks, tmp_path)
    text = first.bench.files[0].read_text()
    ports = text[text.index(f"module {first.bench.module}"):].partition("endmodule")[0].splitlines()
    still = tmp_path / "still.v"
    still.write_text("\n".join([ports[0], *(line for line in ports[1:] if line.split()[:1] in (["input"], ["output"])),
                                "endmodule\n"]))
    broken = replace(first, bench=replace(first.bench, files=(still,)), cycle_limit=200_000)
    with pytest.raises(DeadlockError, match="'first' alone is stuck"):
        check_layers([broken, second], lambda *_: None)
    monkeypatch.setattr("quantunet_hls.rtl.simulate.netlist_layers.build_benches", None)
    assert check_layers([second], lambda *_: None)["second"].differing == 0
    wrong = replace(second, expected=second.expected + np.int64(1))
    with pytest.raises(TypeError):
        check_layers([wrong], lambda *_: None)


@given(st.lists(st.integers(1, 9_000), max_size=12), st.integers(1, 4))
def test_batches_have_every_layer_once_and_none_is_too_large(sizes, least):
    checks = [SimpleNamespace(name=str(number)) for number in range(len(sizes))]
    cells = {check.name: size for check, size in zip(checks, sizes, strict=True)}
    made = batches(checks, cells, least)
    assert sorted(check.name for batch in made for check in batch) == sorted(cells)
    assert len(made) >= min(least, len(sizes))
    assert all(batch and (len(batch) == 1 or sum(cells[check.name] for check in batch) <= 5_000) for batch in made)
