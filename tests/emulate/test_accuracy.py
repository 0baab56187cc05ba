from dataclasses import replace

import numpy as np
import pytest
import torch
from brevitas import nn as qnn
from click.testing import CliRunner
from PIL import Image
from torch import nn

from quantunet_hls.cli.accuracy import accuracy
from quantunet_hls.core.errors import ConfigurationError, DataError
from quantunet_hls.core.files import sha256_file
from quantunet_hls.data.image_folders import Samples
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.data.scores import evaluate
from quantunet_hls.emulate.accuracy import accuracy_figures, emulate_graph, measure, score_hardware, segment
from quantunet_hls.flow.flow import steps_of
from quantunet_hls.flow.resolve import resolve
from quantunet_hls.flow.spec import DesignSpec
from quantunet_hls.nets.quantizers import input_quantizer
from quantunet_hls.reports import Figure, Network, Report, Source, Target, names
from tests.brevitas_nets import Classes, Mask
from tests.builders import brevitas_unet


@pytest.fixture(scope="module")
def samples():
    return draw_phantoms(6, 16, 24)


def _write(folder, samples):
    for kind, pixels in (("images", samples.images[:, 0]), ("masks", samples.masks * np.uint8(255))):
        (folder / kind).mkdir(parents=True)
        for index, image in enumerate(pixels):
            Image.fromarray(image).save(folder / kind / f"{index}.png")
    rows = "".join(f"{index}.png,{1 + index % 2},{'ab'[index // 2 % 2]}\n" for index in range(len(samples)))
    (folder / "index.csv").write_text("file,fold,class\n" + rows)


def test_the_hardware_scores_as_the_trained_network(unet, samples):
    net, graph = unet
    assert score_hardware(emulate_graph(graph), samples) == evaluate(net, samples)


def test_every_stage_is_measured_on_the_same_images(unet, samples):
    net, graph = unet
    results = measure(emulate_graph(graph), samples, {"Brevitas": net})
    assert [result.executor for result in results] == ["Brevitas", names.HARDWARE]
    assert results[0].scores == results[1].scores
    assert all(result.images == 6 and result.seconds > 0 for result in results)
    figures = accuracy_figures(results)
    assert {(figure.tool, figure.name) for figure in figures} == {
        (executor, name) for executor in ("Brevitas", names.HARDWARE)
        for name in (names.DICE, names.IOU, names.PIXEL_ACCURACY)}


def test_larger_images_go_tile_by_tile_through_every_stage(unet):
    net, graph = unet
    larger = draw_phantoms(3, 40, 30)
    brevitas, hardware = measure(emulate_graph(graph), larger, {"Brevitas": net})
    assert brevitas.scores == hardware.scores
    masks = segment(emulate_graph(graph), larger)
    assert masks.shape == (3, 40, 30)
    # A corner is the corner tile's own.
    corner = Samples(larger.images[..., :16, :24], larger.masks[..., :16, :24], larger.names)
    assert torch.equal(masks[:, :14, :20], segment(emulate_graph(graph), corner)[:, :14, :20])


def test_no_images_are_refused(unet, samples):
    _, graph = unet
    none = Samples(samples.images[:0], samples.masks[:0], ())
    with pytest.raises(DataError, match="no images"):
        measure(emulate_graph(graph), none, {})


def test_the_command_scores_a_folder(unet, samples, tmp_path):
    _, graph = unet
    graph.original.save(str(tmp_path / "net.onnx"))
    _write(tmp_path / "data", samples)
    arguments = [str(tmp_path / "net.onnx"), "--data", str(tmp_path / "data"), "--report", str(tmp_path / "r.json")]
    lut = Figure(names.LUT, 5, Source.MAPPED, "yosys")
    report = Report("r", "2026-01-31T12:00:00+00:00", Network("net", sha256_file(tmp_path / "net.onnx")),
                    Target("zcu104", "xczu7ev-ffvc1156-2-e", 5.0), figures=(lut,))
    report.save(tmp_path / "r.json")
    result = CliRunner().invoke(accuracy, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "hardware" in result.output
    assert "6 images" in result.output
    written = Report.load(tmp_path / "r.json")
    assert written.figures[0] == lut
    assert written.figure(names.DICE).value == score_hardware(emulate_graph(graph), samples).dice
    replace(report, network=Network("other", "ab")).save(tmp_path / "r.json")
    with pytest.raises(ConfigurationError, match="another network"):
        CliRunner().invoke(accuracy, arguments, catch_exceptions=False)


class _Quantized(nn.Module):
    """A sigmoid with a quantizer behind it."""

    def __init__(self):
        super().__init__()
        self.quantizer = qnn.QuantIdentity(act_quant=input_quantizer(8))

    def forward(self, logits):
        return self.quantizer(torch.sigmoid(logits))


_ENDS = [(1, nn.Identity()), (2, nn.Identity()), (3, nn.Identity()), (1, nn.Sigmoid()), (1, _Quantized()),
         (1, Mask()), (3, Classes())]


@pytest.mark.parametrize("output", ["logits", "mask"])
@pytest.mark.parametrize(("classes", "end"), _ENDS, ids=lambda value: str(getattr(value, "_get_name", str)() or value))
def test_the_flow_puts_accuracy_into_its_report(classes, end, output, samples, tmp_path):
    net = brevitas_unet(classes=classes, base=4, height=16, width=24, seed=3)
    whole = nn.Sequential(net, end).eval()
    _write(tmp_path / "data", samples)
    run = resolve(DesignSpec(whole, "zcu104", name="net", input_shape=(1, 16, 24), data=tmp_path / "data", images=1,
                             toolchain="none", folds=(2,), output=output, projects=tmp_path, reports=tmp_path))
    steps = {step.name: step for step in steps_of(run)}
    for name in ("export", "ingest", "accuracy"):
        steps[name].action()
    report = Report.load(tmp_path / "net" / "accuracy.json")
    kinds = np.array([1, 2, 1] if classes == 3 else [1, 1, 1], np.uint8)
    chosen = Samples(samples.images[1::2], samples.masks[1::2] * kinds[:, None, None], samples.names[1::2])
    # Whatever the design sends, the masks are those of the logits.
    expected = evaluate(net, chosen)
    assert 0 < expected.dice < 1
    found = {(figure.tool, figure.name): figure.value for figure in report.figures}
    for executor in ("Brevitas", names.HARDWARE):
        assert found[executor, names.DICE] == expected.dice
        assert found[executor, names.IOU] == expected.iou
        assert found[executor, names.PIXEL_ACCURACY] == expected.pixel_accuracy
