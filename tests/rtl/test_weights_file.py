import zlib

import numpy as np
import pytest

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import read_json
from quantunet_hls.ops.loaded import LoadedTable
from quantunet_hls.rtl.fold.storage import all_loaded
from quantunet_hls.rtl.weights_file import HEADER_WORDS, layer_words, packed, weights_of, write_weights
from tests.rtl.graphs import every_kind


def test_a_memorys_words_come_lowest_first_each_in_whole_words_of_the_stream():
    table = LoadedTable("weights", np.array([[1, -1, 2, -2, 3, -3, -4, 0, 1], [0, 0, 0, 0, 0, 0, 0, 0, -1]]), 4)
    assert [hex(word) for word in packed(table)] == ["0xcd3e2f1", "0x1", "0x0", "0xf"]
    assert (table.memory.depth, table.memory.width, table.memory.pieces, table.memory.stream_words) == (2, 36, 2, 4)


def test_a_file_says_what_it_is_for_and_where_everything_is(tmp_path):
    graph = all_loaded(every_kind())
    write_weights(graph, tmp_path / "weights.bin")
    content = (tmp_path / "weights.bin").read_bytes()
    words = np.frombuffer(content, "<u4")
    assert (words == weights_of(graph)).all()
    assert content[:4] == b"QUNW"
    assert f"{words[1]:08x}" == graph.digest()[:8]
    assert words[2] == len(words) - HEADER_WORDS - 1
    assert words[-1] == zlib.crc32(content[:-4])
    told = read_json(tmp_path / "weights.json")
    assert (told["words"], told["checksum"]) == (len(words), words[-1])
    for at, memory in enumerate(told["memories"]):
        if memory["memory"] == "weights":
            own = layer_words(graph[memory["layer"]])
            assert (words[memory["first_word"]:][: len(own)] == own).all(), at


def test_a_design_without_loaded_weights_has_no_file():
    with pytest.raises(ConfigurationError, match="part of its netlist"):
        weights_of(every_kind())
