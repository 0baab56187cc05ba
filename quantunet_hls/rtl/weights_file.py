"""A design's weights as a file beside it: what the block takes at start-up. docs/weights.md describes the format.

The file is a sequence of 32-bit words, little-endian::

    MAGIC, design, number of data words, data words, checksum

``design`` is the first 32 bits of the digest of the graph without its weights, so a block
takes files for itself alone. The data words are those of its memories in order, layer by
layer; a memory's word takes as many of them as its bits need, lowest bits first. The
checksum is the CRC-32 of all words before it (IEEE 802.3, as zlib has it).
"""

from __future__ import annotations

import zlib
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import write_json, writing
from quantunet_hls.ops.feed import checksum_of
from quantunet_hls.ops.loaded import STREAM_BITS, LoadedTable
from quantunet_hls.ops.streaming import StreamGraph, StreamLayer
from quantunet_hls.ops.weighted import weighted

__all__ = ["FRAME_WORDS", "HEADER_WORDS", "MAGIC", "Fault", "checksum", "data_words", "design_word", "layer_words",
           "memory_map", "memory_of", "regions", "weights_of", "write_memory", "write_weights"]

#: A base in external memory is a multiple of it.
PAGE_BYTES = 4096

#: The first word: "QUNW".
MAGIC = int.from_bytes(b"QUNW", "little")


class Fault(IntEnum):
    """What is wrong with the last file, as the block says it by a number; 0 is nothing."""

    NO_FILE = 1
    OTHER_DESIGN = 2
    LENGTH = 3
    CHECKSUM = 4

    def __str__(self) -> str:
        return ("it is no file of weights", "it is the file of another design", "its length is another",
                "its checksum is wrong")[self - 1]


#: Words before the data, and with the checksum behind them.
HEADER_WORDS = 3
FRAME_WORDS = HEADER_WORDS + 1


def design_word(graph: StreamGraph) -> int:
    """What a file says to be for this design alone."""
    return int(graph.digest()[:8], 16)


def data_words(graph: StreamGraph) -> int:
    """Data words that a design takes."""
    return sum(memory.stream_words for layer in graph.loading for memory in layer.memories)


def checksum(words: np.ndarray) -> int:
    """CRC-32 of words."""
    return zlib.crc32(words.astype("<u4").tobytes())


def weights_of(graph: StreamGraph) -> np.ndarray:
    """A design's file, as words (uint32).

    Raises:
        ConfigurationError: nothing of the design is loaded, or its weights do not fit the widths that it was made for.
    """
    for layer in weighted(graph):
        layer.check_contents()
    if not graph.loading:
        raise ConfigurationError(f"The weights of {graph.name} are part of its netlist, so there is no file of them; "
                                 "ask for loaded weights.")
    data = [layer_words(layer) for layer in graph.loading]
    count = sum(map(len, data))
    words = np.concatenate([np.array([MAGIC, design_word(graph), count], "<u4"), *data])
    return np.append(words, np.array([checksum(words)], "<u4"))


def layer_words(layer: StreamLayer) -> np.ndarray:
    """A layer's own data words (uint32), memory by memory."""
    return np.concatenate([packed(table) for table in layer.contents])


def write_weights(graph: StreamGraph, path: Path) -> None:
    """Write a design's file, whole or not at all, and beside it as JSON where in it each memory's contents are.

    Raises:
        ConfigurationError: nothing of the design is loaded, or its weights do not fit the widths that it was made for.
    """
    words = weights_of(graph)
    with writing(path) as temporary:
        words.tofile(temporary)
    write_json(path.with_suffix(".json"), {
        "design": graph.name, "design_word": design_word(graph), "words": len(words), "checksum": int(words[-1]),
        "memories": memory_map(graph)})


def memory_map(graph: StreamGraph) -> list[dict[str, Any]]:
    """Of each memory, in the file's order: its layer and name, words and bits of a word, and the file's first word."""
    found, first = [], HEADER_WORDS
    for layer in graph.loading:
        for memory in layer.memories:
            found.append({"layer": layer.name, "memory": memory.name, "depth": memory.depth, "width": memory.width,
                          "first_word": first})
            first += memory.stream_words
    return found


def memory_of(graph: StreamGraph) -> np.ndarray:
    """What a design reads from external memory while it computes, as words (uint32), up to a whole page of 4 KB."""
    if not graph.feeding:
        return np.zeros(0, "<u4")
    image = np.zeros(sum(layer.feed.room for layer in graph.feeding if layer.feed) // 4, "<u4")
    first = 0
    for layer in graph.feeding:
        assert layer.feed is not None
        beats = layer.fed.reshape(-1)
        image[first: first + len(beats)] = beats
        first += layer.feed.room // 4
    return np.pad(image, (0, -len(image) % (PAGE_BYTES // 4)))


def write_memory(graph: StreamGraph, path: Path) -> None:
    """Write what a design reads from external memory, whole or not at all, and beside it as JSON what is where.

    Raises:
        ConfigurationError: its weights do not fit the widths that it was made for.
    """
    for layer in weighted(graph):
        layer.check_contents()
    image = memory_of(graph)
    with writing(path) as temporary:
        image.tofile(temporary)
    write_json(path.with_suffix(".json"), {
        "design": graph.name, "bytes": image.nbytes, "alignment": PAGE_BYTES, "layers": regions(graph)})


def regions(graph: StreamGraph) -> list[dict[str, Any]]:
    """Of each layer that reads external memory, in that order: where its weights lie, and how."""
    found, first = [], 0
    for layer in graph.feeding:
        assert layer.feed is not None
        found.append({"layer": layer.name, "first_byte": first, "beats": layer.feed.beats, "words": layer.feed.words,
                      "width": layer.feed.width, "words_of_beat": layer.feed.in_beat,
                      "beats_of_word": layer.feed.of_word, "times_a_frame": layer.feedings,
                      "checksum": checksum_of(layer.fed)})
        first += layer.feed.room
    return found


def packed(table: LoadedTable) -> np.ndarray:
    """A memory's contents as words of the stream (uint32)."""
    memory = table.memory
    places = np.zeros((memory.depth, memory.pieces * STREAM_BITS), np.uint8)
    for bit in range(table.bits):
        places[:, bit: memory.width: table.bits] = (table.codes >> bit) & 1
    return np.packbits(places, axis=1, bitorder="little").view("<u4").reshape(-1)
