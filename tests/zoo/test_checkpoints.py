import hashlib
import json
import os
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quantunet_hls.core.errors import CheckpointError, ConfigurationError, UnknownNameError
from quantunet_hls.data.image_folders import to_input
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, calibrate
from quantunet_hls.training import Settings, train
from quantunet_hls.zoo import checkpoints as zoo
from quantunet_hls.zoo.folders import checkpoint_of
from quantunet_hls.zoo.footprint import footprint

IMAGES = to_input(draw_phantoms(3, 8, 12, seed=1).images)


def quantized(seed=0, **settings):
    torch.manual_seed(seed)
    net = QuantUNet(depth=1, base_channels=2, **settings)
    calibrate(net, IMAGES)
    return net.eval()


def output(net):
    out = net(IMAGES)
    return getattr(out, "value", out).detach()


@pytest.fixture
def folder(tmp_path, monkeypatch, nothing_shipped):
    monkeypatch.setenv("QUANTUNET_HLS_ZOO", str(tmp_path / "my zoo"))
    return tmp_path / "my zoo"


@pytest.mark.parametrize(
    "net",
    [
        quantized(),
        quantized(layer_widths={"enc0b": LayerWidths(weight=3, activation=5, bias=12)}, classes=3),
        QuantUNet(depth=1, base_channels=2, quantized=False, batch_norm=True).eval(),
    ],
)
def test_a_loaded_net_computes_bit_for_bit_the_same(folder, net):
    before = output(net)
    saved = zoo.save(net, "mine", height=8, width=12, scores={"dice": 0.5}, data={"name": "x"}, training={"seed": 1})
    loaded, card = zoo.load("mine")
    assert card == saved
    assert card.architecture == net.config
    assert not loaded.training
    assert torch.equal(output(loaded), before)
    # No statistics go on being collected: training mode uses the same scales.
    if net.config.quantized:
        assert torch.equal(output(loaded.train()), before)
        assert torch.equal(output(loaded.eval()), before)


def test_a_trained_net_comes_back_as_it_was(folder, tmp_path):
    net, phantoms = quantized(), draw_phantoms(4, 8, 8)
    for _ in train(net, phantoms, phantoms, Settings(epochs=1, batch_size=2), tmp_path / "run"):
        pass
    zoo.save(net, "trained", height=8, width=8)
    assert torch.equal(output(zoo.load("trained")[0]), output(net))


def test_a_path_with_its_card_beside_it_works_as_a_name_does(folder, tmp_path):
    net = quantized()
    zoo.save(net, "elsewhere", height=8, width=8, folder=tmp_path / "other place")
    loaded, card = zoo.load(tmp_path / "other place" / "elsewhere.pt")
    assert card.name == "elsewhere"
    assert torch.equal(output(loaded), output(net))
    assert torch.equal(output(zoo.load(str(tmp_path / "other place" / "elsewhere.pt"))[0]), output(net))
    assert zoo.names() == ()


def test_saving_leaves_two_files_and_the_net_untouched(folder):
    net = quantized().train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    zoo.save(net, "mine", height=8, width=8)
    assert sorted(file.name for file in folder.iterdir()) == ["mine.json", "mine.pt"]
    assert net.training
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


@pytest.mark.parametrize("name", ["mine.json", "mine.pt"])
def test_a_file_that_is_no_entry_of_a_zoo_is_left_as_it_is(folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("{}")
    with pytest.raises(ConfigurationError, match=rf"{name} is no .* of quantunet-hls and would be overwritten"):
        zoo.save(quantized(), "mine", height=8, width=8)
    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [(name, "{}")]


def test_an_entry_may_be_saved_again_and_after_a_kill_between_its_two_files(folder):
    zoo.save(quantized(), "mine", height=8, width=8)
    zoo.save(quantized(1), "mine", height=8, width=8)
    (folder / "mine.pt").unlink()
    zoo.save(quantized(), "mine", height=8, width=8)
    assert zoo.load("mine")[1].height == 8


def test_scales_must_be_calibrated_before_saving(folder):
    with pytest.raises(ConfigurationError, match="calibrate"):
        zoo.save(QuantUNet(depth=1, base_channels=2), "raw", height=8, width=8)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", "1st", "a;b"])
def test_names_that_no_file_should_have(folder, name):
    with pytest.raises(ConfigurationError):
        zoo.save(quantized(), name, height=8, width=8)


def test_an_unknown_name_gets_the_nearest(folder):
    zoo.save(quantized(), "brain_w4a6", height=8, width=8)
    with pytest.raises(UnknownNameError, match="brain_w4a6"):
        zoo.load("brain_w4a5")
    with pytest.raises(UnknownNameError, match="brain_w4a6"):
        zoo.card_of("brain")


def test_an_empty_zoo_says_what_to_do(folder):
    with pytest.raises(ConfigurationError, match="QUANTUNET_HLS_ZOO"):
        zoo.load("anything")


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def remove_checkpoint(path):
    path.unlink()


def remove_card(path):
    path.with_suffix(".json").unlink()


def card_without_json(path):
    path.with_suffix(".json").write_text("{")


def card_of_lists(path):
    path.with_suffix(".json").write_text("[" * 100_000)


def edit_card(path, **values):
    file = path.with_suffix(".json")
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def card_key_unknown(path):
    edit_card(path, surprise=1)


def card_size_wrong(path):
    edit_card(path, height="8")


def other_architecture(path):
    edit_card(path, architecture=UNetConfig(depth=1, base_channels=3).to_dict())


def endless_architecture(path):
    edit_card(path, architecture=UNetConfig().to_dict() | {"depth": 10**9})


def huge_architecture(path):
    edit_card(path, architecture=UNetConfig().to_dict() | {"base_channels": 10**12})


def impossible_architecture(path):
    edit_card(path, architecture=UNetConfig().to_dict() | {"widths": {"weight": 77}})


def replace_content(path, content):
    path.write_bytes(content)
    edit_card(path, sha256=hashlib.sha256(content).hexdigest())


def saved(path, value):
    torch.save(value, path)
    replace_content(path, path.read_bytes())


def plain_pickle(path):
    replace_content(path, pickle.dumps({"weights": [1, 2]}))


def no_tensors(path):
    saved(path, {"weights": [1, 2]})


def a_list(path):
    saved(path, [torch.zeros(2)])


def whole_module(path):
    saved(path, torch.nn.Conv2d(1, 1, 1))


def missing_weights(path):
    state = torch.load(path, weights_only=True)
    del state["head.weight"]
    saved(path, dict(state))


def not_a_number(path):
    state = torch.load(path, weights_only=True)
    state["head.weight"][:] = float("nan")
    saved(path, dict(state))


def half_a_zip(path):
    replace_content(path, path.read_bytes()[:-50])


def text(path):
    replace_content(path, b"these are no weights")


class Payload:
    def __reduce__(self):
        return (os.system, ("touch payload_ran",))


def pickle_with_code(path):
    saved(path, {"weights": Payload()})


SPOILERS = [
    cut,
    flip_a_bit,
    remove_checkpoint,
    remove_card,
    card_without_json,
    card_of_lists,
    card_key_unknown,
    card_size_wrong,
    other_architecture,
    endless_architecture,
    huge_architecture,
    impossible_architecture,
    plain_pickle,
    no_tensors,
    a_list,
    whole_module,
    missing_weights,
    not_a_number,
    half_a_zip,
    text,
    pickle_with_code,
]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_whatever_is_wrong_with_an_entry_is_one_clear_line(folder, spoil, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    zoo.save(quantized(), "mine", height=8, width=8)
    spoil(folder / "mine.pt")
    with pytest.raises(CheckpointError, match=r"mine\.(pt|json)") as caught:
        zoo.load(folder / "mine.pt")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert not (tmp_path / "payload_ran").exists()


@pytest.fixture(scope="module")
def sound_entry(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    zoo.save(quantized(), "mine", height=8, width=8, folder=folder)
    return folder, (folder / "mine.pt").read_bytes()


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_any_altered_byte_is_noticed(sound_entry, data):
    folder, sound = sound_entry
    content = bytearray(sound)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (folder / "mine.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match="truncated or altered"):
        zoo.load(folder / "mine.pt")


def test_verify_tells_the_sound_from_the_spoilt(folder):
    for name in ("altered", "boasting", "good"):
        zoo.save(quantized(), name, height=8, width=8)
    flip_a_bit(folder / "altered.pt")
    boast = json.loads((folder / "boasting.json").read_text())
    boast["footprint"]["times_smaller"] = 99.0
    (folder / "boasting.json").write_text(json.dumps(boast))
    verdicts = {verdict.name: verdict.problem for verdict in zoo.verify()}
    assert set(verdicts) == {"altered", "boasting", "good"}
    assert verdicts["good"] is None
    assert "altered.pt" in verdicts["altered"]
    assert "boasting" in verdicts["boasting"]


def test_footprint_of_a_net_counted_by_hand():
    # depth 1, base 1, 4x6 pixels: kernels of enc0a, enc0b, mida, midb, up0, dec0a, dec0b and the head.
    kernels = {"enc0a": 9, "enc0b": 9, "mida": 18, "midb": 36, "up0": 18, "dec0a": 18, "dec0b": 9, "head": 1}
    biases = {"enc0a": 1, "enc0b": 1, "mida": 2, "midb": 2, "up0": 1, "dec0a": 1, "dec0b": 1, "head": 1}
    layers = {
        "enc0a": LayerWidths(weight=8, activation=3),
        "head": LayerWidths(weight=6, bias=20),
        "enc0b": LayerWidths(weight=4, activation=7),
    }
    net = QuantUNet(depth=1, base_channels=1, widths=LayerWidths(weight=2, activation=4, bias=10), layer_widths=layers)
    got = footprint(net, 4, 6)

    weight = {name: layers[name].weight if name in layers else 2 for name in kernels}
    bias = {name: 20 if name == "head" else 16 if name in layers else 10 for name in kernels}
    assert got.parameters == sum(kernels.values()) + sum(biases.values())
    assert got.macs == 24 * (9 + 9 + 18 + 18 + 9 + 1) + 6 * (18 + 36)
    bits = sum(weight[name] * kernels[name] for name in kernels)
    assert got.weight_bits == pytest.approx(bits / sum(kernels.values()))
    assert got.weight_bits_by_layer == pytest.approx((8 + 4 + 2 * 5 + 6) / 8)
    # The input port, then enc0a, enc0b, mida, midb, up0 (in enc0b's quantizer), dec0a, dec0b.
    values, widths = [24, 24, 24, 12, 12, 24, 24, 24], [8, 3, 7, 4, 4, 7, 4, 4]
    by_value = sum(v * w for v, w in zip(values, widths, strict=True)) / sum(values)
    assert got.activation_bits == pytest.approx(by_value)
    assert got.activation_bits_by_layer == pytest.approx(sum(widths) / 8)
    total = bits + sum(bias[name] * biases[name] for name in biases)
    assert got.size_bytes == -(-total // 8)
    assert got.times_smaller == pytest.approx(4 * got.parameters / got.size_bytes)


def test_a_float_net_is_counted_with_its_norms_folded():
    plain = footprint(QuantUNet(depth=2, base_channels=2, quantized=False), 8, 8)
    assert footprint(QuantUNet(depth=2, base_channels=2, quantized=False, batch_norm=True), 8, 8) == plain
    assert plain.times_smaller == 1.0
    assert plain.weight_bits == plain.activation_bits == 32.0


def test_the_zoo_that_ships_is_sound():
    assert len(zoo.names()) == 18
    assert [verdict for verdict in zoo.verify() if verdict.problem] == []


def test_the_shipped_4_bit_net_is_close_to_its_float_baseline():
    quantized_card, float_card = zoo.card_of("brain_tumor_w4a6_b8d3"), zoo.card_of("brain_tumor_float_b8d3")
    assert quantized_card.scores["dice"] > float_card.scores["dice"] - 0.025
    assert quantized_card.footprint.weight_bits == 4.0
    assert quantized_card.footprint.times_smaller > 7.5
    assert max(checkpoint_of(card.name).stat().st_size for card in (quantized_card, float_card)) < 1e6
