import dataclasses
import errno
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from quantunet_hls.core.errors import CheckpointError, ConfigurationError, DataError, QuantUNetError
from quantunet_hls.data.phantoms import draw_phantoms
from quantunet_hls.data.scores import evaluate
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, settled
from quantunet_hls.nets.learned import width_values
from quantunet_hls.training.epoch import average_share, learning_rate, move_average
from quantunet_hls.training.loop import STATE_FILE, train
from quantunet_hls.training.prepare import quantize
from quantunet_hls.training.settings import Settings, WidthLearning
from quantunet_hls.training.state import load_state

TRAINING, VALIDATION = draw_phantoms(10, 16, 16, seed=1), draw_phantoms(4, 16, 16, seed=2)
SETTINGS = Settings(epochs=3, batch_size=4, learning_rate=1e-2, seed=9)


def float_net(**kind):
    torch.manual_seed(0)
    return QuantUNet(depth=1, base_channels=2, quantized=False, **kind)


def quantized_net():
    return quantize(float_net(), UNetConfig(depth=1, base_channels=2), TRAINING)


AVERAGED = dataclasses.replace(SETTINGS, average=0.5)


def normalised_net():
    return float_net(batch_norm=True)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def history_of(folder):
    return [{key: value for key, value in epoch.items() if key != "seconds"}
            for epoch in load_state(folder / STATE_FILE).history]


LEARNING = dataclasses.replace(SETTINGS, widths=WidthLearning(target=4.0, pace=3.0, settled=0.6), crop=8)


def learning_net():
    return quantize(float_net(), UNetConfig(depth=1, base_channels=2, widths=LayerWidths(6, 6)), TRAINING,
                    learned_widths=True)


def ternary_net():
    widths = LayerWidths(2, 4, weight_levels="ternary")
    return quantize(float_net(), UNetConfig(depth=1, base_channels=2, widths=widths), TRAINING)


SUPERVISED = dataclasses.replace(SETTINGS, deep_supervision=0.5, tversky_weight=1.0, focal_weight=1.0)


def deep_net():
    torch.manual_seed(0)
    base = QuantUNet(depth=2, base_channels=2, quantized=False)
    return quantize(base, UNetConfig(depth=2, base_channels=2), TRAINING)


@pytest.mark.parametrize(("make", "how", "stop_at_step"), [
    (quantized_net, SETTINGS, None), (quantized_net, SETTINGS, 5), (normalised_net, SETTINGS, None),
    (normalised_net, SETTINGS, 5), (learning_net, dataclasses.replace(LEARNING, average=0.5), 5),
    (quantized_net, AVERAGED, 5), (normalised_net, AVERAGED, None),
    pytest.param(deep_net, SUPERVISED, 5, marks=pytest.mark.slow),
    pytest.param(ternary_net, SETTINGS, 5, marks=pytest.mark.slow),
])
def test_a_stopped_run_resumes_to_the_same_result(tmp_path, make, how, stop_at_step):
    whole = make()
    for _ in train(whole, TRAINING, VALIDATION, how, tmp_path / "whole"):
        pass

    steps = 0

    def interrupt(done, total):
        nonlocal steps
        steps += 1
        if steps == stop_at_step:
            raise KeyboardInterrupt

    running = train(make(), TRAINING, VALIDATION, how, tmp_path / "parts", on_step=interrupt)
    assert next(running).epoch == 1
    if stop_at_step:
        with pytest.raises(KeyboardInterrupt):
            next(running)
    running.close()
    torch.manual_seed(12345)
    resumed = make()
    assert [result.epoch for result in train(resumed, TRAINING, VALIDATION, how, tmp_path / "parts")] == [2, 3]

    assert same(whole.state_dict(), resumed.state_dict())
    assert history_of(tmp_path / "whole") == history_of(tmp_path / "parts")
    one, other = load_state(tmp_path / "whole" / STATE_FILE), load_state(tmp_path / "parts" / STATE_FILE)
    assert same(one.net, other.net)
    assert torch.equal(one.generator, other.generator)


def test_widths_are_learned_then_settled_and_only_settled_epochs_count(tmp_path):
    net = learning_net()
    settings = dataclasses.replace(LEARNING, epochs=5, widths=WidthLearning(target=3.5, pace=3.0, settled=0.4))
    results = list(train(net, TRAINING, VALIDATION, settings, tmp_path))
    assert [result.kept_epoch > 0 for result in results] == [False, False, False, True, True]
    assert ["bitwidth_loss" in result.record for result in results] == [True, True, True, False, False]
    widths = [{key: bits for key, bits in result.record.items() if key.startswith("bits/")} for result in results]
    assert len(widths[0]) == len(width_values(net))
    assert widths[0] != widths[2]
    assert widths[3] == widths[4] == {f"bits/{name}": bits for name, bits in width_values(net).items()}
    assert np.mean(list(width_values(net).values())) <= 3.5
    plain = settled(net)
    assert evaluate(plain, VALIDATION, window=8) == evaluate(net, VALIDATION, window=8)


def test_widths_can_be_learned_only_where_they_are_parameters(tmp_path):
    with pytest.raises(ConfigurationError, match="learned_widths"):
        next(train(quantized_net(), TRAINING, VALIDATION, LEARNING, tmp_path))


def test_it_ends_when_nothing_gets_better(tmp_path):
    settings = dataclasses.replace(SETTINGS, epochs=40, keep="best", patience=2, learning_rate=1e-6)
    results = list(train(float_net(), TRAINING, VALIDATION, settings, tmp_path))
    assert results[-1].epoch == results[-1].kept_epoch + 2
    assert len(results) < 40


def test_a_crop_must_fit_the_images(tmp_path):
    settings = dataclasses.replace(SETTINGS, crop=32)
    with pytest.raises(DataError, match="32 pixels"):
        next(train(float_net(), TRAINING, VALIDATION, settings, tmp_path))


def test_training_learns_and_ends_with_the_best_epoch_where_that_is_asked_for(tmp_path):
    net = normalised_net()
    before = evaluate(net, VALIDATION).dice
    settings = dataclasses.replace(SETTINGS, epochs=12, keep="best")
    results = list(train(net, TRAINING, VALIDATION, settings, tmp_path))
    best = max(results, key=lambda result: result.scores.dice)
    assert best.scores.dice > before + 0.1
    assert results[-1].kept_epoch == best.epoch
    assert not net.training
    assert evaluate(net, VALIDATION) == best.scores
    assert results[-1].loss < results[0].loss


def test_without_a_word_nothing_is_chosen_the_last_epoch_is_kept(tmp_path):
    # What is learnt makes everything worse on masks that say the opposite, so the last epoch isn't the best one.
    net, opposite = normalised_net(), dataclasses.replace(VALIDATION, masks=1 - VALIDATION.masks)
    results = list(train(net, TRAINING, opposite, dataclasses.replace(SETTINGS, epochs=6), tmp_path))
    assert max(result.scores.dice for result in results) > results[-1].scores.dice
    assert [result.kept_epoch for result in results] == [*range(1, 7)]
    assert evaluate(net, opposite) == results[-1].scores


@pytest.mark.parametrize("make", [normalised_net, quantized_net])
def test_an_average_that_keeps_nothing_is_the_net_itself(make):
    net, average = make(), make()
    with torch.no_grad():
        for value in net.parameters():
            value.add_(0.25)
    move_average(average, net, 0.0)
    assert same(average.state_dict(), net.state_dict())


def test_an_average_lies_between_the_weights_of_its_steps(tmp_path):
    start, settings = normalised_net(), dataclasses.replace(SETTINGS, epochs=1, batch_size=len(TRAINING), average=0.75)
    before = {key: value.clone() for key, value in start.state_dict().items()}
    assert len(list(train(start, TRAINING, VALIDATION, settings, tmp_path))) == 1
    state = load_state(tmp_path / STATE_FILE)
    # The first step: a tenth of where it stood, the rest of where it came to; float32 rounds the two sums apart.
    for key, value in state.average.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.1 * before[key] + 0.9 * state.net[key])
    assert same(state.kept_net, state.average)
    assert same(start.state_dict(), state.average)


@pytest.mark.parametrize("average", [0.5, 0.998, 0.99999])
def test_an_average_forgets_the_random_start_and_comes_to_keep_what_it_was_told(average):
    settings = Settings(average=average)
    shares = [average_share(step, settings) for step in range(1000)]
    # A thousand steps with 0.99999 of itself from the first one on would leave 99 % of the start.
    assert math.prod(shares) < 1e-15
    assert shares == sorted(shares)
    assert average_share(10**7, settings) == average


def test_the_average_begins_when_the_widths_are_whole(tmp_path):
    settings = dataclasses.replace(LEARNING, average=0.9)
    net = learning_net()
    for result in train(net, TRAINING, VALIDATION, settings, tmp_path):
        state = load_state(tmp_path / STATE_FILE)
        if not result.kept_epoch:
            assert same(state.average, state.net)
    assert not same(state.average, state.net)
    widths = {key: value for key, value in state.net.items() if key.endswith("bit_width_offset")}
    assert widths
    assert all(torch.equal(state.average[key], value) for key, value in widths.items())


def test_a_teacher_is_learnt_from(tmp_path):
    teacher = normalised_net()
    for _ in train(teacher, TRAINING, VALIDATION, dataclasses.replace(SETTINGS, epochs=12), tmp_path / "teacher"):
        pass
    taught = {key: value.clone() for key, value in teacher.state_dict().items()}
    pupil, settings = quantized_net(), dataclasses.replace(SETTINGS, epochs=8, distillation=1.0)
    results = list(train(pupil, TRAINING, VALIDATION, settings, tmp_path / "pupil", teacher=teacher))
    assert results[-1].record["distillation"] < results[0].record["distillation"]
    assert same(teacher.state_dict(), taught)


@pytest.mark.parametrize("given", [{"teacher": normalised_net()},
                                   {"settings": dataclasses.replace(SETTINGS, distillation=1.0)}])
def test_a_teacher_and_its_weight_go_together(tmp_path, given):
    told = {"settings": SETTINGS} | given
    with pytest.raises(ConfigurationError, match="teacher"):
        next(train(float_net(), TRAINING, VALIDATION, run_folder=tmp_path, **told))


def test_a_finished_run_trains_no_more_and_gives_the_same_net(tmp_path):
    first, second = quantized_net(), quantized_net()
    assert len(list(train(first, TRAINING, VALIDATION, SETTINGS, tmp_path))) == 3
    assert list(train(second, TRAINING, VALIDATION, SETTINGS, tmp_path)) == []
    assert same(first.state_dict(), second.state_dict())


def test_stopping_early_keeps_the_schedule(tmp_path):
    whole, parts = normalised_net(), normalised_net()
    all_losses = [result.loss for result in train(whole, TRAINING, VALIDATION, SETTINGS, tmp_path / "whole")]
    stopped = list(train(parts, TRAINING, VALIDATION, SETTINGS, tmp_path / "parts", stop_after=2))
    assert [result.loss for result in stopped] == all_losses[:2]
    assert evaluate(parts, VALIDATION).dice == stopped[-1].kept_dice
    rest = list(train(normalised_net(), TRAINING, VALIDATION, SETTINGS, tmp_path / "parts"))
    assert [result.loss for result in rest] == all_losses[2:]
    with pytest.raises(ConfigurationError, match="stop after"):
        next(train(normalised_net(), TRAINING, VALIDATION, SETTINGS, tmp_path / "none", stop_after=0))


def test_the_seed_decides(tmp_path):
    losses = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        settings = dataclasses.replace(SETTINGS, epochs=1, seed=seed)
        losses.append(next(train(normalised_net(), TRAINING, VALIDATION, settings, tmp_path / folder)).loss)
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize(("change", "says"), [
    ({"settings": dataclasses.replace(SETTINGS, learning_rate=1e-3)}, "another settings"),
    ({"training": draw_phantoms(10, 16, 16, seed=3)}, "another training"),
    ({"net": normalised_net()}, "another architecture"),
    ({"start": "elsewhere"}, "another start"),
])
def test_a_run_folder_belongs_to_one_training(tmp_path, change, says):
    told = {"net": float_net(), "training": TRAINING, "validation": VALIDATION, "settings": SETTINGS}
    next(train(**told, run_folder=tmp_path))
    with pytest.raises(ConfigurationError, match=says):
        next(train(**told | change, run_folder=tmp_path))


@pytest.mark.parametrize("content", [b"", b"no state", b"PK\x03\x04 cut"])
def test_a_damaged_state_is_refused_by_name(tmp_path, content):
    (tmp_path / STATE_FILE).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"state\.pt") as caught:
        next(train(float_net(), TRAINING, VALIDATION, SETTINGS, tmp_path))
    assert "\n" not in str(caught.value)


def test_a_state_with_code_in_it_does_not_run(tmp_path):
    class Payload:
        def __reduce__(self):
            return (pytest.fail, ("the pickle ran",))

    torch.save({"net": Payload()}, tmp_path / STATE_FILE)
    with pytest.raises(CheckpointError, match=r"state\.pt"):
        load_state(tmp_path / STATE_FILE)


def test_a_full_disk_is_one_line_and_keeps_the_last_epoch(tmp_path, monkeypatch):
    running = train(float_net(), TRAINING, VALIDATION, SETTINGS, tmp_path)
    next(running)
    before = (tmp_path / STATE_FILE).read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(QuantUNetError, match="No space left"):
        next(running)
    assert [file.name for file in tmp_path.iterdir()] == [STATE_FILE]
    assert (tmp_path / STATE_FILE).read_bytes() == before


@pytest.mark.parametrize(("masks", "says"), [(0, "foreground"), (2, "class 2")])
@pytest.mark.parametrize("kind", ["training", "validation"])
def test_masks_that_nothing_can_be_learnt_from(tmp_path, masks, says, kind):
    told = {"training": TRAINING, "validation": VALIDATION}
    told[kind] = dataclasses.replace(told[kind], masks=np.full_like(told[kind].masks, masks))
    with pytest.raises(DataError, match=says) as caught:
        next(train(float_net(), settings=SETTINGS, run_folder=tmp_path, **told))
    assert kind in str(caught.value)


def test_several_classes_train(tmp_path):
    training, validation = (draw_phantoms(6, 16, 16, classes=3, channels=3, seed=seed) for seed in (1, 2))
    torch.manual_seed(0)
    net = QuantUNet(depth=1, base_channels=2, in_channels=3, classes=3, quantized=False, batch_norm=True)
    results = list(train(net, training, validation, SETTINGS, tmp_path))
    assert results[-1].loss < results[0].loss


def test_quantized_nets_refuse_mixed_precision(tmp_path):
    settings = dataclasses.replace(SETTINGS, mixed_precision=True)
    with pytest.raises(ConfigurationError, match="mixed precision"):
        next(train(quantized_net(), TRAINING, VALIDATION, settings, tmp_path))


def test_float_nets_train_in_mixed_precision(tmp_path):
    net = normalised_net()
    settings = dataclasses.replace(SETTINGS, mixed_precision=True)
    results = list(train(net, TRAINING, VALIDATION, settings, tmp_path))
    assert results[-1].loss < results[0].loss
    assert next(net.parameters()).dtype == torch.float32


def test_quantized_nets_refuse_to_be_compiled(tmp_path):
    settings = dataclasses.replace(SETTINGS, compiled=True)
    with pytest.raises(ConfigurationError, match="compile"):
        next(train(quantized_net(), TRAINING, VALIDATION, settings, tmp_path))


@pytest.mark.slow  # g++ compiles the fused operations
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")  # torch's compiler uses it itself
def test_a_compiled_net_learns_what_an_eager_one_learns(tmp_path):
    settings = dataclasses.replace(SETTINGS, compiled=True)
    compiled = list(train(normalised_net(), TRAINING, VALIDATION, settings, tmp_path / "compiled"))
    eager = list(train(normalised_net(), TRAINING, VALIDATION, SETTINGS, tmp_path / "eager"))
    # Both add float32 numbers, in another order; after a few steps the losses differ in the last digits only.
    assert compiled[0].loss == pytest.approx(eager[0].loss, rel=1e-3)
    assert compiled[-1].loss < compiled[0].loss


def test_the_rate_climbs_to_its_peak_and_falls_to_a_hundredth():
    settings = Settings(learning_rate=0.5, warmup=0.1)
    rates = [learning_rate(step, 1000, settings) for step in range(1000)]
    peak = rates.index(max(rates))
    assert peak == 100
    assert max(rates) == pytest.approx(0.5)
    assert rates[:101] == sorted(rates[:101])
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert 0.005 <= rates[-1] < 0.0051
    assert min(rates) > 0


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"learning_rate": 2.0},
                                   {"warmup": 1.0}, {"keep": "middle"}, {"average": 1.0}, {"distillation": -1.0},
                                   {"patience": 3}, {"tversky_missed": 1.5}, {"focal_weight": -1.0},
                                   {"deep_supervision": -0.1},
                                   {"dice_weight": 0.0, "cross_entropy_weight": 0.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        Settings(**wrong)


@pytest.mark.slow
def test_deep_supervision_moves_the_weights_and_leaves_no_heads_behind(tmp_path):
    nets = {}
    for weight in (0.0, 1.0):
        nets[weight] = net = deep_net()
        names = list(net.state_dict())
        settings = dataclasses.replace(SETTINGS, epochs=1, deep_supervision=weight)
        (result,) = train(net, TRAINING, VALIDATION, settings, tmp_path / str(weight))
        assert ("deep_supervision" in result.record) == bool(weight)
        assert list(net.state_dict()) == names
        heads = load_state(tmp_path / str(weight) / STATE_FILE).heads
        assert set(heads) == ({"head1.weight", "head1.bias"} if weight else set())
        # Nothing watches the net any more.
        assert not any(module._forward_hooks for module in net.modules())
    assert not same(nets[0.0].state_dict(), nets[1.0].state_dict())


@pytest.mark.parametrize(("make", "change", "says"), [
    (float_net, {}, "depth 1 lacks"),
    (lambda: QuantUNet(depth=2, base_channels=2, quantized=False), {"compiled": True}, "switch one of them off"),
])
def test_deep_supervision_needs_levels_that_can_be_watched(tmp_path, make, change, says):
    settings = dataclasses.replace(SETTINGS, deep_supervision=0.5, **change)
    with pytest.raises(ConfigurationError, match=says):
        next(train(make(), TRAINING, VALIDATION, settings, tmp_path))


def test_a_run_from_before_a_setting_existed_goes_on(tmp_path):
    whole, parts = float_net(), float_net()
    for _ in train(whole, TRAINING, VALIDATION, SETTINGS, tmp_path / "whole"):
        pass
    next(train(parts, TRAINING, VALIDATION, SETTINGS, tmp_path / "parts"))
    path = tmp_path / "parts" / STATE_FILE
    values = torch.load(path, weights_only=True)
    del values["heads"], values["told"]["settings"]["focal_weight"]
    torch.save(values, path)
    resumed = float_net()
    assert len(list(train(resumed, TRAINING, VALIDATION, SETTINGS, tmp_path / "parts"))) == 2
    assert same(whole.state_dict(), resumed.state_dict())
