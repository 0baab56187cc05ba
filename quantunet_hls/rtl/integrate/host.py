#!/usr/bin/env python3
"""Sends an image to a board over its serial port and saves the mask that comes back.

    python host.py /dev/ttyUSB0 image.png --mask mask.png

A picture larger than what the network takes is cut into tiles that overlap by a
quarter or more; every pixel of the mask comes from the tile in which it lies deepest.

Stands in a design's folder with ``host.json``, which says what the design takes
and gives. Needs numpy, Pillow and pyserial, and nothing of quantunet-hls.

A message is SYNC, its kind, the payload's length (4 bytes), the payload, and the
CRC-16/CCITT (start 0xFFFF) of all but SYNC; numbers are little-endian. A
request's payload is the image's codes, row by row, channel 0 first, each in whole
bytes. A result's is the clock cycles from the first pixel in to the last value out
(4 bytes), then the output's codes in the same order; an error's is one byte.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from quantunet_hls.data.tile_places import owned, starts

SYNC = 0xB5
IMAGE, RESULT, ERROR = 0x01, 0x81, 0xEE
ERRORS = {1: "the payload's length is not an image's", 2: "the checksum is wrong", 3: "the request stopped midway"}
HEAD_BYTES, CRC_BYTES = 6, 2


class TransportError(Exception):
    """What came back is not a sound result."""


def crc16(data: bytes) -> int:
    """CRC-16/CCITT with the start value 0xFFFF: polynomial x**16 + x**12 + x**5 + 1, most significant bit first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


def message(kind: int, payload: bytes) -> bytes:
    """One message of the protocol."""
    body = bytes([kind]) + len(payload).to_bytes(4, "little") + payload
    return bytes([SYNC]) + body + crc16(body).to_bytes(2, "little")


def receive(read: Callable[[int], bytes]) -> tuple[int, bytes]:
    """The next message's kind and payload.

    Args:
        read: gives up to so many bytes, fewer when no more come.

    Raises:
        TransportError: nothing comes, or its checksum is wrong.
    """
    head = _exactly(read, HEAD_BYTES)
    if head[0] != SYNC:
        raise TransportError("what came back is no message; check that the bitstream is this design's")
    rest = _exactly(read, int.from_bytes(head[2:], "little") + CRC_BYTES)
    payload, crc = rest[:-CRC_BYTES], int.from_bytes(rest[-CRC_BYTES:], "little")
    if crc != crc16(head[1:] + payload):
        raise TransportError("the checksum of what came back is wrong; check the cable and try again")
    return head[1], payload


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = read(count - len(data))
        if not more:
            raise TransportError(f"the board sent {len(data)} of {count} bytes and then nothing; check the port")
        data += more
    return data


def request(codes: np.ndarray, facts: dict[str, Any]) -> bytes:
    """The message for an image of integer codes (height, width, channels)."""
    return message(IMAGE, codes.astype(f"<i{facts['input']['bytes']}").tobytes())


def result(kind: int, payload: bytes, facts: dict[str, Any]) -> tuple[int, np.ndarray]:
    """Clock cycles and output codes (height, width, channels) of an answer.

    Raises:
        TransportError: the board says that something was wrong.
    """
    out = facts["output"]
    if kind != RESULT:
        raise TransportError("the board says: " + ERRORS.get(payload[0] if payload else 0, "an unknown error"))
    kind_of = f"<{'i' if out['signed'] else 'u'}{out['bytes']}"
    codes = np.frombuffer(payload[4:], kind_of).reshape(out["height"], out["width"], out["channels"])
    return int.from_bytes(payload[:4], "little"), codes.astype(np.int64)


def codes_of(pixels: np.ndarray, facts: dict[str, Any]) -> np.ndarray:
    """8-bit pixels (value v stands for v / 256) as codes of the input's type: rounded to even, cut to its range."""
    into = facts["input"]
    if "levels" in into:
        return levels_of(pixels, into["levels"])
    codes = np.rint(np.ldexp(pixels.astype(np.float64) / 256, into["fraction"]))
    return np.clip(codes, into["low"], into["high"]).astype(np.int64)


def levels_of(pixels: np.ndarray, levels: dict[str, Any]) -> np.ndarray:
    """8-bit pixels as the levels of a quantizer whose scale is no power of two, counted from the level of 0."""
    quotient = pixels.astype(np.float64) / 256 / np.array(levels["scales"])
    floor = np.floor(quotient)
    level, rest = floor.astype(np.int64) + levels["zero"], quotient - floor
    if levels["half_even"]:
        level += (rest > 0.5) | ((rest == 0.5) & (level % 2 == 1))
    return np.clip(level, levels["low"], levels["high"]) - levels["zero"]


def mask_of(codes: np.ndarray, facts: dict[str, Any]) -> np.ndarray:
    """Output codes as an 8-bit picture: one channel is set where it is positive, of several the largest is shown.

    Several classes are grey values, evenly apart, be they indices or the channels of logits.
    """
    lines = facts["output"].get("lines")
    if lines is not None:
        codes = codes * np.array(lines["factors"]) + np.array(lines["offsets"])
    if facts["output"].get("classes", 0) > 2:
        return (codes[:, :, 0] * (255 // (facts["output"]["classes"] - 1))).astype(np.uint8)
    if codes.shape[2] == 1:
        return np.where(codes[:, :, 0] > 0, 255, 0).astype(np.uint8)
    return (codes.argmax(axis=2) * (255 // (codes.shape[2] - 1))).astype(np.uint8)


def segment(pixels: np.ndarray, facts: dict[str, Any], ask: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The mask of an image (rows, columns, channels), made of those of its tiles.

    Args:
        pixels: of 8 bits.
        facts: of the design.
        ask: gives the mask of a tile.

    Raises:
        ValueError: an image smaller than what the network takes, or a larger one where masks have another size.
    """
    into, out = facts["input"], facts["output"]
    height, width = into["height"], into["width"]
    rows, columns = pixels.shape[:2]
    if rows < height or columns < width:
        raise ValueError(f"the image is {rows}x{columns} (height x width) and the network takes {height}x{width}; "
                         "give --scale, or enlarge it")
    if (rows, columns) == (height, width):
        return ask(pixels)
    if (out["height"], out["width"]) != (height, width):
        raise ValueError(f"the network makes {out['height']}x{out['width']} (height x width) of {height}x{width}, so "
                         "tiles can't be joined; give --scale, or cut the image")
    mask = np.zeros((rows, columns), np.uint8)
    tops, lefts = starts(rows, height), starts(columns, width)
    for row, (top, bottom) in zip(tops, owned(tops, height), strict=True):
        for column, (left, right) in zip(lefts, owned(lefts, width), strict=True):
            part = ask(pixels[row:row + height, column:column + width])
            mask[top:bottom, left:right] = part[top - row:bottom - row, left - column:right - column]
    return mask


def main() -> int:
    """The command line."""
    facts = json.loads(Path(__file__).with_name("host.json").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description=f"Segments an image with {facts['design']} on {facts['board']}.")
    parser.add_argument("port", help="serial port of the board, such as /dev/ttyUSB0 or COM3")
    parser.add_argument("image", type=Path, help="picture; a larger one goes tile by tile through the network")
    parser.add_argument("--scale", action="store_true", help="bring the picture to the network's size instead")
    parser.add_argument("--mask", type=Path, default=Path("mask.png"), help="where the mask goes (default: mask.png)")
    chosen = parser.parse_args()
    try:
        serial = importlib.import_module("serial")
        from PIL import Image
    except ImportError as error:
        sys.stderr.write(f"{error.name} is missing; run: pip install pyserial pillow numpy\n")
        return 2
    into, spent = facts["input"], []
    try:
        with Image.open(chosen.image) as opened:
            picture = opened.convert("L" if into["channels"] == 1 else "RGB")
        if chosen.scale:
            picture = picture.resize((into["width"], into["height"]))
        with serial.Serial(chosen.port, facts["baud"], timeout=5) as port:
            port.reset_input_buffer()

            def ask(pixels: np.ndarray) -> np.ndarray:
                port.write(request(codes_of(pixels, facts), facts))
                cycles, codes = result(*receive(port.read), facts)
                spent.append(cycles)
                return mask_of(codes, facts)

            mask = segment(np.asarray(picture).reshape(picture.height, picture.width, into["channels"]), facts, ask)
    except (OSError, ValueError, TransportError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    Image.fromarray(mask).save(chosen.mask)
    sys.stdout.write(f"{chosen.mask}: {sum(spent)} cycles, {sum(spent) / facts['clock_mhz']:.0f} us at "
                     f"{facts['clock_mhz']:g} MHz{f', {len(spent)} tiles' if len(spent) > 1 else ''}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
