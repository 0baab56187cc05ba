import zlib

import numpy as np
import pytest

from quantunet_hls.ops.feed import MEMORY_BITS, Feed, beats_of, checksum_of
from quantunet_hls.ops.loaded import LoadedTable


@pytest.mark.parametrize(("words", "width", "in_beat", "of_word", "beats"), [
    (12, 40, 3, 1, 4), (10, 40, 2, 1, 5), (7, 40, 1, 1, 7), (6, 128, 1, 1, 6), (6, 129, 1, 2, 12), (4, 16, 4, 1, 1)])
def test_a_word_takes_whole_beats_or_a_beat_has_whole_words(words, width, in_beat, of_word, beats):
    feed = Feed(words, width)
    assert (feed.in_beat, feed.of_word, feed.beats) == (in_beat, of_word, beats)
    assert feed.room % 256 == 0
    assert 0 <= feed.room - beats * MEMORY_BITS // 8 < 256


@pytest.mark.parametrize(("words", "codes", "bits"), [(6, 5, 4), (4, 40, 5), (3, 1, 3), (4, 32, 4)])
def test_words_come_back_from_their_beats(words, codes, bits):
    rng = np.random.default_rng(words)
    table = LoadedTable("weights", rng.integers(-(1 << bits - 1), 1 << bits - 1, (words, codes)), bits)
    feed = Feed(words, codes * bits)
    beats = [sum(int(word) << 32 * at for at, word in enumerate(beat)) for beat in beats_of(table)]
    assert len(beats) == feed.beats
    found = []
    for word in range(words):
        if feed.of_word > 1:
            value = sum(beats[word * feed.of_word + part] << part * MEMORY_BITS for part in range(feed.of_word))
        else:
            value = beats[word // feed.in_beat] >> word % feed.in_beat * feed.width
        found.append([(value >> at * bits & ((1 << bits) - 1) ^ (1 << bits - 1)) - (1 << bits - 1)
                      for at in range(codes)])
    assert found == table.codes.tolist()


def test_a_checksum_sees_a_bit_a_place_in_a_beat_and_the_order_of_beats():
    beats = np.random.default_rng(1).integers(0, 1 << 32, (20, 4), dtype="<u4")
    assert checksum_of(np.array([[5, 0, 0, 0]], "<u4")) == zlib.crc32(b"\5\0\0\0")
    assert checksum_of(np.array([[0, 5, 0, 0]], "<u4")) == zlib.crc32(b"\0\5\0\0")
    others = [beats[::-1], beats[:, ::-1], beats[:-1], np.where(beats == beats[3, 2], beats ^ 1, beats)]
    assert len({checksum_of(each) for each in (beats, *others)}) == 5
