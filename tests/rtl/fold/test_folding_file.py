import json
from dataclasses import asdict, replace

import pytest

from quantunet_hls import boards
from quantunet_hls.core.decode import converted
from quantunet_hls.core.errors import ConfigurationError, IllegalGraphError, QuantUNetError
from quantunet_hls.folding.written import StreamFolding
from quantunet_hls.rtl.fold.folding_file import folded_as, folding_of
from quantunet_hls.rtl.fold.multipliers import choose_multipliers
from quantunet_hls.rtl.fold.parallelism import fewest_cycles, fold
from quantunet_hls.rtl.fold.storage import all_loaded, streamed
from quantunet_hls.rtl.weights_file import weights_of
from quantunet_hls.targets.xcup import XCUP
from tests.rtl.graphs import every_kind


def folded():
    return choose_multipliers(fold(every_kind(), 2 * fewest_cycles(every_kind())), boards.load("zcu104"))


def read(values):
    return converted(StreamFolding, json.loads(json.dumps(values)), "This is no folding", "see folding.json")


def test_a_folding_comes_back_from_its_file():
    graph = folded()
    assert folded_as(every_kind(), read(asdict(folding_of(graph))), XCUP).digest() == graph.digest()


def test_an_edited_folding_is_taken():
    written = asdict(folding_of(folded()))
    written["layers"]["merge"] |= {"lanes": 4, "simd": 5, "multipliers": "lut"}
    edge = next(iter(written["fifo_depths"]))
    written["fifo_depths"][edge] = 333
    graph = folded_as(every_kind(), read(written), XCUP)
    assert (graph["merge"].lanes, graph["merge"].simd, str(graph["merge"].multipliers)) == (4, 5, "lut")
    assert graph.fifo_depths[edge] == 333


def test_loaded_weights_come_back_from_their_file_whatever_the_weights():
    graph = all_loaded(folded(), any_weights=True)
    graph = graph.with_layers({"merge": graph["merge"].loaded_as(replace(graph["merge"].loaded, ultra=True))})
    written = read(asdict(folding_of(graph)))
    assert folded_as(every_kind(), written, XCUP).digest() == graph.digest()
    assert written.layers["merge"] | {"lanes": 0, "simd": 0, "multipliers": ""} == {
        "lanes": 0, "simd": 0, "multipliers": "", "weights": "loaded", "range": "-7..7",
        "sums": str(graph["merge"].accumulator), "memory": "ultra"}
    other = every_kind()
    head = other["head"]
    other = other.with_layers({"head": replace(head, weights=-head.weights, bias=head.bias // 2)})
    assert folded_as(other, written, XCUP).digest() == graph.digest()


def test_streamed_weights_come_back_from_their_file():
    graph = streamed(folded(), {"merge": 4}, any_weights=True)
    written = read(asdict(folding_of(graph)))
    assert folded_as(every_kind(), written, XCUP).digest() == graph.digest()
    assert (written.layers["merge"]["weights"], written.layers["merge"]["rows"]) == ("streamed", 4)
    for change, says in (({"weights": "loaded"}, "has no rows for which"), ({"rows": True}, "give a divisor of its"),
                         ({"rows": 3}, "blocks of 3 rows do not divide")):
        layers = {**written.layers, "merge": {**written.layers["merge"], **change}}
        with pytest.raises((ConfigurationError, IllegalGraphError), match=says):
            folded_as(every_kind(), replace(written, layers=layers), XCUP)


def test_a_person_may_ask_for_loaded_weights_of_one_layer():
    written = asdict(folding_of(folded()))
    assert written["layers"]["merge"]["weights"] == "rom"
    written["layers"]["merge"] |= {"weights": "loaded", "multipliers": "lut"}
    del written["layers"]["mid"]["weights"]
    graph = folded_as(every_kind(), read(written), XCUP)
    assert [layer.name for layer in graph.loading] == ["merge"]
    assert graph["merge"].accumulator.width == graph["merge"].loaded.accumulator.width
    assert (weights_of(graph) == weights_of(folded_as(every_kind(), folding_of(graph), XCUP))).all()


@pytest.mark.parametrize(("change", "says"), [
    (lambda f: f["layers"]["merge"].update(weights="cloud"), "rom, loaded or streamed"),
    (lambda f: f["layers"]["merge"].update(sums="fixed<9,4>"), "has 'sums'"),
    (lambda f: f["layers"]["merge"].update(weights="loaded", sums="ufixed<9,4>"), "a type with a sign"),
    (lambda f: f["layers"]["merge"].update(weights="loaded", range="7"), "the least and the largest"),
    (lambda f: f["layers"]["merge"].update(weights="loaded", memory="core"), "auto or ultra"),
    (lambda f: f["layers"]["merge"].update(weights="loaded", sums="fixed<12,9>"), "fraction bits"),
    (lambda f: f["layers"]["merge"].update(weights="loaded", sums="fixed<48,-300>"), "fraction bits"),
    (lambda f: f["layers"]["merge"].update(weights="loaded", sums="fixed<48,400>"), "fraction bits"),
    (lambda f: f["layers"]["merge"].update(weights="loaded", range="-3..3"), "reach from -7 to 7"),
    (lambda f: f["layers"]["merge"].update(weights="loaded", result="fixed<40,20>"), "not the sums of the last layer"),
    (lambda f: f["layers"]["head"].update(weights="loaded", result="fixed<6,4>"), "could leave"),
    (lambda f: f["layers"]["merge"].update(weights="loaded", numbers="9, 20, 0 bits, shift 14"), "no requantizer"),
    (lambda f: f["layers"]["merge"].update(weights="loaded", numbers="9, 0, 0 bits, shift 14"), "bits of factors"),
    (lambda f: f["layers"].pop("merge"), "lacks layer 'merge'"),
    (lambda f: f["layers"].update(other={"lanes": 1}), "names layer 'other'"),
    (lambda f: f["layers"]["merge"].update(lanes=3), "3 lanes do not divide"),
    (lambda f: f["layers"]["merge"].update(lanes="4"), "whole number"),
    (lambda f: f["layers"]["merge"].update(simd=0), "whole number"),
    (lambda f: f["layers"]["merge"].update(speed=9), "'speed'"),
    (lambda f: f["layers"]["merge"].pop("simd"), "lacks 'simd'"),
    (lambda f: f["layers"]["merge"].update(multipliers="abacus"), "abacus"),
    (lambda f: f["fifo_depths"].update({"down->nowhere": 3}), "down->nowhere"),
    (lambda f: f.pop("fifo_depths"), "folding.json"),
    (lambda f: f.update(layers=[1]), "folding.json"),
])
def test_what_is_wrong_with_a_file_is_one_clear_line(change, says):
    written = asdict(folding_of(folded()))
    change(written)
    with pytest.raises(QuantUNetError, match=says) as caught:
        folded_as(every_kind(), read(written), XCUP)
    assert "\n" not in str(caught.value)
