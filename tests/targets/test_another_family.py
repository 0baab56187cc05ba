"""A dry run of what a new part family takes: a folder and a line of the table. The folder is a copy of a known one."""

import importlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from quantunet_hls import boards
from quantunet_hls.core.errors import BoardError
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.fold.estimate import estimate
from quantunet_hls.rtl.fold.multipliers import choose_multipliers, in_fabric
from quantunet_hls.rtl.fold.parallelism import fold
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.place.route import place_and_route
from quantunet_hls.rtl.report import mapped_figures
from quantunet_hls.rtl.simulate.netlist import cell_models
from quantunet_hls.rtl.synthesize.mapping import MappingOptions, map_design
from quantunet_hls.rtl.synthesize.timing import design_timing
from quantunet_hls.targets import table, xc7
from quantunet_hls.targets.xc7 import XC7
from tests.rtl.graphs import PIXEL, convolution


def small():
    return StreamGraph("small", (
        Input("image", (), Shape(6, 8, 2), PIXEL),
        convolution("first", "image", 2, 4, (6, 8), PIXEL, seed=1),
        convolution("second", "first", 4, 2, (6, 8), convolution("x", "y", 1, 1, (3, 3), PIXEL).type, seed=2),
    ))


@pytest.fixture
def board(tmp_path, monkeypatch):
    """A board of the user's with a part of the new family."""
    folder = tmp_path / "another7"
    shutil.copytree(Path(xc7.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "__init__.py").read_text()
    assert text.count('name="xc7"') == 1
    (folder / "__init__.py").write_text(text.replace('name="xc7"', 'name="another7"').replace("XC7", "ANOTHER7"))
    monkeypatch.syspath_prepend(str(tmp_path))
    made = importlib.import_module("another7").ANOTHER7
    monkeypatch.setattr(table, "FAMILIES", (*table.FAMILIES, made))
    (tmp_path / "boards").mkdir()
    monkeypatch.setenv("QUANTUNET_HLS_BOARDS", str(tmp_path / "boards"))
    (tmp_path / "boards" / "mine.json").write_text(json.dumps({
        "title": "My own", "family": "another7", "part": "xc7a100tcsg324-1", "clock_ns": 10,
        "resources": {"lut": 63_400, "dsp": 240, "bram_18k": 270}}))
    found = boards.load("mine")
    assert found.part_family is made
    return found


def test_a_design_is_folded_estimated_written_and_mapped_for_it(board, tmp_path):
    known = replace(board, family="xc7")
    graph = choose_multipliers(fold(small(), 300), board)
    assert graph.digest() == choose_multipliers(fold(small(), 300), known).digest()
    assert estimate(graph, board.part_family) == estimate(graph, XC7)

    design, cache = generate(graph, tmp_path / "verilog"), tmp_path / "mapped"
    mapped = map_design(design, MappingOptions(board.part_family), cache, lut_multipliers=in_fabric(graph))
    again = map_design(design, MappingOptions(XC7), cache, lut_multipliers=in_fabric(graph))
    # The same commands to the same tool: nothing was to be mapped for the known family.
    assert all(module.reused for module in again.layers.values())
    assert mapped.total == again.total
    assert mapped.total.lut > 0
    timing = design_timing(design, mapped, board.part_family)
    assert timing.whole == design_timing(design, again, XC7).whole
    figures = {figure.name: figure for figure in mapped_figures(mapped, board, timing)}
    assert figures["lut"].available == 63_400
    assert figures["clock_estimate_ns"].tool == "quantunet-hls, logic only, no routing"
    cells = set().union(*(module.cells for module in mapped.layers.values()))
    assert [path.name for path in cell_models(board.part_family, cells, tmp_path)] == ["yosys_cells.v", "series7.v"]


def test_what_it_lacks_is_refused_by_name(board, tmp_path):
    with pytest.raises(BoardError, match="My own has a xc7a100tcsg324-1; the open place and route here takes"):
        place_and_route("top", [], board, tmp_path)
