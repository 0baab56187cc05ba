"""The zoo's own networks, from checkpoint to C-simulation and RTL."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quantunet_hls import generate_accelerator
from quantunet_hls.core.steps import run_steps
from quantunet_hls.data.check_images import check_images
from quantunet_hls.flow.flow import steps_of
from quantunet_hls.flow.folded_streams import FoldedStreams
from quantunet_hls.flow.opened import Opened
from quantunet_hls.flow.resolve import resolve
from quantunet_hls.flow.spec import DesignSpec
from quantunet_hls.flow.steps.report import known
from quantunet_hls.flow.streams import Streams
from quantunet_hls.rtl.project import codes_of
from quantunet_hls.rtl.simulate.harness import Stalls
from quantunet_hls.zoo import checkpoints as zoo

_QUANTIZED = [name for name in zoo.names() if zoo.card_of(name).architecture.quantized]
_DATA = Path(os.environ.get("QUANTUNET_HLS_DATA", Path(__file__).parents[2] / "shared" / "data"))


def test_the_zoo_has_a_quantized_network():
    assert _QUANTIZED


#: Each of the others has layers of the same kinds, and is checked among the slow tests.
_SMOKE = ("brain_tumor_w4a6_b8d3",)


def _data_of(name: str) -> Path:
    """The images that a network was trained on; without them the test is skipped."""
    folder = _DATA / str(zoo.card_of(name).data["name"])
    if not folder.is_dir():
        pytest.skip(f"needs the data set {folder.name}, which is not here")
    return folder


@pytest.mark.parametrize(
    "name", [name if name in _SMOKE else pytest.param(name, marks=pytest.mark.slow) for name in _QUANTIZED]
)
def test_no_value_differs_on_a_small_image_that_is_not_square(name, tmp_path):
    made = generate_accelerator(name, "zcu104", input_shape=(1, 16, 24), images=2, toolchain="none", last="csim",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.differing == 0
    assert any(check.candidate == "C-simulation" and check.layer is None for check in made.checks)


@pytest.mark.slow
@pytest.mark.parametrize("name", _QUANTIZED)
def test_no_value_differs_on_real_images(name, tmp_path):
    folder = _data_of(name)
    made = generate_accelerator(name, "zcu104", data=folder, images=4, toolchain="none", last="csim",
                                projects=tmp_path / "projects", reports=tmp_path / "reports")
    assert made.differing == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", _QUANTIZED)
def test_the_rtl_gives_the_same_integers_on_real_images_with_and_without_stalls(name, tmp_path):
    """Four images back to back through the streaming RTL, compared with the integer reference layer by layer."""
    folder = _data_of(name)
    run = resolve(DesignSpec(name, "zcu104", data=folder, toolchain="open", projects=tmp_path, reports=tmp_path))
    for _ in run_steps(steps_of(run), run.files.ledger, last="rtl"):
        pass
    checks = known(run, "rtl").checks
    assert sum(check.differing for check in checks) == 0
    assert any(check.candidate == "RTL simulation" and check.layer is None for check in checks)
    # The program that the flow built, again, with pauses on both sides.
    rtl = FoldedStreams(Streams(run, Opened(run.files.exported, "logits", None))).project
    frames = codes_of(check_images(folder, 4, rtl.graph.input.shape.height, rtl.graph.input.shape.width,
                                   rtl.graph.input.shape.channels), rtl.graph.input.type)
    plain = rtl.simulate(frames, Stalls())
    stalled = rtl.simulate(frames, Stalls(0.3, 0.3, seed=7))
    assert stalled.cycles > plain.cycles
    assert (stalled.outputs == plain.outputs).all()
    for layer, codes in plain.traces.items():
        assert (stalled.traces[layer] == codes).all(), layer
