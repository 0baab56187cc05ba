"""The ULX3S's top: images over the serial line, bit by bit."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.boards import load
from quantunet_hls.core.errors import BoardError
from quantunet_hls.core.process import run
from quantunet_hls.data.tiles import tiling_of
from quantunet_hls.ingest.scales import Scales
from quantunet_hls.ops.input.stream import Input
from quantunet_hls.ops.qonnx.values import scaled
from quantunet_hls.ops.shape import Shape
from quantunet_hls.ops.stages.cast.stage import Cast
from quantunet_hls.ops.stages.requantize.steps import Quantizer
from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.rtl.generate.stitch import generate
from quantunet_hls.rtl.integrate import host, serial_line
from quantunet_hls.rtl.reference import execute
from quantunet_hls.rtl.simulate.netlist import cell_models
from quantunet_hls.rtl.simulate.program import verilate
from quantunet_hls.targets.ecp5 import ECP5
from quantunet_hls.types.fixed import FixedType
from tests.rtl.graphs import PIXEL, convolution, frames_for

_PAUSE = 2000
# A slow clock has the fewest clocks a bit: 12; nothing in the design knows more of the rate.
_BOARD = replace(load("ulx3s-85f"), clock_ns=80.0)


@pytest.fixture(scope="module")
def graph():
    return StreamGraph("wired", (
        Input("image", (), Shape(3, 4, 2), PIXEL, lanes=2),
        convolution("head", "image", 2, 1, (3, 4), PIXEL, stages=(Cast(FixedType(13, 6)),), seed=3),
    ))


@pytest.fixture(scope="module")
def line(graph, tmp_path_factory):
    """The board in Verilator; sends messages and gives back what comes."""
    folder = tmp_path_factory.mktemp("line")
    top = serial_line.write_top(graph, _BOARD, folder, pause=_PAUSE)
    _, bit = serial_line.baud_rate(12.5)
    sources = [top, *generate(graph, folder).files.values(), *cell_models(ECP5, set(), folder)]
    harness = resources.files("quantunet_hls.rtl.integrate").joinpath("uart_harness.cpp").read_text()
    program = verilate(serial_line.top_name(graph, _BOARD), sources, folder / "program", harness,
                       '#pragma once\n#include "Vdesign.h"\nusing Design = Vdesign;\n')
    facts = serial_line.host_facts(graph, _BOARD)

    def talk(messages, expected, pause=4_000):
        (folder / "in.bin").write_bytes(b"".join(len(sent).to_bytes(2, "little") + sent for sent in messages))
        run([program, "in.bin", "out.bin", str(bit), str(expected), "1000000", str(pause)],
            log=folder / "log", cwd=folder)
        answer = iter((folder / "out.bin").read_bytes())
        return lambda count: bytes(byte for _, byte in zip(range(count), answer, strict=False))

    return talk, facts, top


def test_images_come_back_as_the_networks_integers(graph, line):
    talk, facts, _ = line
    frames = frames_for(graph, 3)
    expected = execute(graph, frames)["head"]
    size = host.HEAD_BYTES + 4 + 12 * 2 + host.CRC_BYTES
    read = talk([host.request(frame, facts) for frame in frames], 3 * size)
    cycles = set()
    for codes in expected:
        counted, seen = host.result(*host.receive(read), facts)
        assert (seen == codes).all()
        cycles.add(counted)
    assert min(codes.min() for codes in expected) < 0
    # The network's own pace, whatever the line's: it is the same for each image.
    assert len(cycles) == 1
    assert graph.cycles <= cycles.pop() < graph.cycles + 60


@pytest.mark.parametrize(("change", "error"), [
    (lambda sent: sent[:-1] + bytes([sent[-1] ^ 1]), "checksum is wrong"),
    (lambda sent: sent[:10] + bytes([sent[10] ^ 64]) + sent[11:], "checksum is wrong"),
    (lambda sent: host.message(host.IMAGE, sent[6:-3]), "length is not an image's"),
    (lambda sent: sent[:-4], "stopped midway"),
])
def test_a_damaged_request_is_answered_with_an_error_and_the_next_one_served(graph, line, change, error):
    talk, facts, _ = line
    frames = frames_for(graph, 1)
    sent = host.request(frames[0], facts)
    read = talk([change(sent), sent], 9 + 36)
    kind, payload = host.receive(read)
    with pytest.raises(host.TransportError, match=error):
        host.result(kind, payload, facts)
    _, seen = host.result(*host.receive(read), facts)
    assert (seen == execute(graph, frames)["head"][0]).all()


def test_noise_before_a_request_is_passed_over(graph, line):
    talk, facts, _ = line
    frames = frames_for(graph, 1)
    read = talk([b"\x00\x55" + host.request(frames[0], facts)], 36)
    assert (host.result(*host.receive(read), facts)[1] == execute(graph, frames)["head"][0]).all()


@given(st.binary(max_size=40))
def test_the_checksum_is_the_usual_one(data):
    from binascii import crc_hqx
    assert host.crc16(data) == crc_hqx(data, 0xFFFF)


def test_what_the_host_cannot_use_is_said():
    with pytest.raises(host.TransportError, match="0 of 6 bytes"):
        host.receive(lambda count: b"")
    with pytest.raises(host.TransportError, match="no message"):
        host.receive(lambda count: b"\0" * count)


def test_a_mask_is_a_picture():
    plain = {"output": {}}
    assert host.mask_of(np.array([[[-1], [2]]]), plain).tolist() == [[0, 255]]
    assert host.mask_of(np.array([[[1, 5, 2], [9, 0, 0]]]), plain).tolist() == [[127, 0]]
    # Class indices, as a design with --output mask sends them.
    assert host.mask_of(np.array([[[0], [1], [2]]]), {"output": {"classes": 3}}).tolist() == [[0, 127, 254]]
    assert host.mask_of(np.array([[[0], [1]]]), {"output": {"classes": 2}}).tolist() == [[0, 255]]
    facts = {"input": {"fraction": 8, "low": 0, "high": 255}}
    assert host.codes_of(np.array([0, 7, 255], np.uint8), facts).tolist() == [0, 7, 255]


def test_usual_rates_are_met_exactly():
    assert serial_line.baud_rate(50.0) == (1_000_000, 50)
    with pytest.raises(BoardError, match="no usual baud rate"):
        serial_line.baud_rate(0.5)


def test_a_board_without_a_serial_line_has_no_whole_design(graph, tmp_path):
    with pytest.raises(BoardError, match="no whole design for AMD ZCU104"):
        serial_line.write_top(graph, load("zcu104"), tmp_path)


def test_every_port_has_a_pin_of_its_own(line):
    (module,) = re.findall(r"^module wired_ulx3s_85f\(.*?^endmodule", line[2].read_text(), re.MULTILINE | re.DOTALL)
    ports = set()
    for bits, name in re.findall(r"^  (?:input|output) (?:\[(\d+):0\] )?(\w+);", module, re.MULTILINE):
        ports |= {f"{name}[{n}]" for n in range(int(bits) + 1)} if bits else {name}
    located = re.findall(r'LOCATE COMP "(\S+)" SITE "(\w+)";', serial_line.constraints(_BOARD))
    assert len(ports) == 12
    assert {port for port, _ in located} == ports
    assert len({site for _, site in located}) == len(located)
    assert ("clk_25mhz", "G2") in located


def test_the_host_makes_the_levels_of_the_networks_own_quantizer():
    for zero, half_even in ((0, True), (3, True), (3, False)):
        quantizers = tuple(Quantizer(Fraction(1, parts), zero, 0, 15, half_even) for parts in (100, 32))
        scales = Scales(quantizers, {}, (scaled(Fraction(1, 3), Fraction(-1)), scaled(Fraction(2), Fraction(-9))))
        facts = scales.for_host()
        pixels = np.stack([np.arange(256)] * 2, axis=-1).astype(np.uint8)[None]
        assert np.array_equal(host.codes_of(pixels, facts), scales.to_port(pixels / 256))
        assert host.mask_of(np.array([[[6, 4], [3, 5]]]), facts).tolist() == [[0, 255]]


@pytest.mark.parametrize("size", [(8, 12), (9, 12), (40, 31)])
def test_larger_images_are_cut_as_everywhere_else(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 1), dtype=np.uint8)
    facts = {"input": {"height": 8, "width": 12}, "output": {"height": 8, "width": 12}}

    def depends_on_its_tile(tile):
        return (tile[:, :, 0] + tile[0, 0, 0]).astype(np.uint8)

    tiling = tiling_of(size, (8, 12))
    tiles = [depends_on_its_tile(np.moveaxis(tile[0], 0, 2)) for tile in tiling.cut(np.moveaxis(pixels, 2, 0)[None])]
    assert np.array_equal(host.segment(pixels, facts, depends_on_its_tile),
                          tiling.join(tiles, np.zeros(size, np.uint8)))


def test_images_that_no_tiles_make_are_refused():
    facts = {"input": {"height": 8, "width": 12}, "output": {"height": 4, "width": 6}}
    with pytest.raises(ValueError, match=r"7x20 .* takes 8x12; give --scale"):
        host.segment(np.zeros((7, 20, 1), np.uint8), facts, None)
    with pytest.raises(ValueError, match="can't be joined; give --scale"):
        host.segment(np.zeros((9, 12, 1), np.uint8), facts, None)


def test_the_script_beside_a_design_stands_alone(graph, tmp_path):
    script = serial_line.write_host(graph, _BOARD, tmp_path)
    assert "import owned" not in script.read_text()
    told = subprocess.run([sys.executable, "-c", (
        "import sys; sys.modules['quantunet_hls'] = None; import numpy as np, host, json\n"
        "facts = json.load(open('host.json')); assert facts['output']['classes'] == 0\n"
        "print(host.segment(np.ones((7, 9, 2), np.uint8), facts, lambda tile: tile[:, :, 0]).sum())")],
        cwd=tmp_path, capture_output=True, text=True)
    assert told.stdout == "63\n", told.stderr
