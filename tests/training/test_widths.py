import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from brevitas.loss.weighted_bit_width import ActivationBitWidthWeightedBySize, WeightBitWidthWeightedBySize

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, calibrate
from quantunet_hls.nets.learned import learned_widths, set_widths, width_offsets, width_values
from quantunet_hls.nets.sizes import layer_sizes
from quantunet_hls.training.settings import BoardCost, WidthLearning
from quantunet_hls.training.widths import (
    board_shares,
    excess_of,
    fill_within,
    frozen_epochs,
    move_widths,
    settle_within,
    start_within,
)


def learning_net(seed=0):
    torch.manual_seed(seed)
    net = QuantUNet(UNetConfig(depth=1, base_channels=2, widths=LayerWidths(8, 8)), learned_widths=True)
    calibrate(net, torch.rand(4, 1, 8, 8))
    draws = np.random.default_rng(seed)
    set_widths(net, {name: int(draws.integers(2, 9)) for name in width_values(net)})
    return net


def costs(net, budget, *, luts=1.0, blocks=1.0):
    """A board where a product of a weight's bits and an input's takes LUTs, and every bit of theirs memory."""
    config, widths = net.config, range(2, 9)
    layers = {name: (tuple(tuple(luts * weight * value / 1024 for value in widths) for weight in widths),
                     tuple(tuple(blocks * (2 * weight + value) / 1024 for value in widths) for weight in widths))
              for name in config.layer_names}
    owners = dict.fromkeys(config.activation_owner(name) for name in config.layer_names if name != "head")
    results = {name: (tuple(0.0 for _ in widths), tuple(blocks * 3 * value / 1024 for value in widths))
               for name in owners}
    return BoardCost(("lut", "bram_18k"), 2, layers, results, (0.01, 0.02), budget, "a board of the tests")


def as_tensors(widths):
    return {name: torch.tensor(float(bits)) for name, bits in widths.items()}


def on_the_board(net, widths, luts=1.0, blocks=1.0):
    """The same shares, from the formula."""
    config, found = net.config, np.array([0.01, 0.02])
    for name in config.layer_names:
        source = config.source_of(name)
        weight, value = widths[f"{name}.weight"], widths[f"{source}.activation"] if source else 8
        found += np.array([luts * weight * value, blocks * (2 * weight + value)]) / 1024
    activations = [bits for name, bits in widths.items() if name.endswith(".activation")]
    return found + np.array([0, blocks * 3 * sum(activations) / 1024])


def test_the_mean_is_the_mean():
    net = learning_net()
    excess = excess_of(net, WidthLearning(), 8, 8)
    assert float(excess(learned_widths(net)).detach()) == pytest.approx(np.mean(list(width_values(net).values())))


def test_weighed_by_parameters_it_is_brevitass_penalty():
    net = learning_net()
    theirs = [WeightBitWidthWeightedBySize(net), ActivationBitWidthWeightedBySize(net)]
    net(torch.rand(1, 1, 8, 12))
    expected = sum(float(penalty.retrieve().detach()) for penalty in theirs) / 2
    excess = excess_of(net, WidthLearning(measure="parameters"), 8, 12)
    assert float(excess(learned_widths(net)).detach()) == pytest.approx(expected)


def test_weighed_by_operations_it_is_the_mean_product():
    net = learning_net()
    widths, sizes = width_values(net), layer_sizes(net.config, 8, 8)
    before = {"enc0a": 8, "enc0b": widths["enc0a.activation"], "mida": widths["enc0b.activation"],
              "midb": widths["mida.activation"], "up0": widths["midb.activation"],
              "dec0a": widths["enc0b.activation"], "dec0b": widths["dec0a.activation"],
              "head": widths["dec0b.activation"]}
    products = sum(size.macs * widths[f"{name}.weight"] * before[name] for name, size in sizes.items())
    expected = math.sqrt(products / sum(size.macs for size in sizes.values()))
    excess = excess_of(net, WidthLearning(measure="operations"), 8, 8)
    assert float(excess(learned_widths(net)).detach()) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_a_board_counts_what_its_tables_say(seed):
    net = learning_net(seed)
    widths = width_values(net)
    expected = on_the_board(net, widths, luts=2.0)
    cost = costs(net, 1.0, luts=2.0)
    assert board_shares(net.config, cost)(as_tensors(widths)).tolist() == pytest.approx(expected.tolist())
    share = min(expected) / 1.5
    overdrawn = sum(expected / share - 1)
    excess = excess_of(net, WidthLearning(measure="board", board=replace(cost, budget=share)), 8, 8)
    assert float(excess(learned_widths(net)).detach()) == pytest.approx(8 * overdrawn, rel=1e-5)
    enough = excess_of(net, WidthLearning(measure="board", board=replace(cost, budget=max(expected) + 1e-6)), 8, 8)
    assert float(enough(learned_widths(net)).detach()) == 0


def test_a_width_is_pressed_by_what_its_neighbours_cost():
    net = learning_net()
    widths = {name: tensor.requires_grad_() for name, tensor in as_tensors(dict.fromkeys(width_values(net), 5)).items()}
    luts, blocks = board_shares(net.config, costs(net, 1.0))(widths)
    luts.backward(retain_graph=True)
    # Between 4 and 6 bits a product with 8 or 5 bits grows by 8 or 5 a bit.
    assert float(widths["enc0a.weight"].grad) == pytest.approx(8 / 1024)
    assert float(widths["enc0b.weight"].grad) == pytest.approx(5 / 1024)
    # Both layers that read the skip connection's type.
    assert float(widths["enc0b.activation"].grad) == pytest.approx(2 * 5 / 1024)
    for width in widths.values():
        width.grad = None
    blocks.backward()
    assert float(widths["mida.weight"].grad) == pytest.approx(2 / 1024)
    assert float(widths["mida.activation"].grad) == pytest.approx((1 + 3) / 1024)


def test_a_bit_is_pressed_by_its_cost_for_the_noise_that_it_keeps_away():
    net = learning_net()
    widths = as_tensors(dict.fromkeys(width_values(net), 5)) | as_tensors({"mida.weight": 4, "midb.weight": 6})
    widths = {name: width.requires_grad_() for name, width in widths.items()}
    cost = costs(net, 0.15, luts=0.0)
    excess = excess_of(net, WidthLearning(measure="board", board=cost), 8, 8)(widths)
    excess.backward()
    grads = {name: float(width.grad) for name, width in widths.items()}
    # All weights cost the same a bit here.
    assert grads["midb.weight"] == pytest.approx(4 * grads["enc0b.weight"])
    assert grads["mida.weight"] == pytest.approx(grads["enc0b.weight"] / 4)
    assert grads["enc0b.weight"] == pytest.approx(8 * 2 / 1024 / 0.15, rel=0.1)


def test_what_is_left_of_a_budget_goes_to_the_narrowest():
    net = learning_net(3)
    excess = excess_of(net, WidthLearning(measure="board", board=costs(net, 0.2)), 8, 8)
    settle_within(net, excess, bounded=True)
    before = width_values(net)
    fill_within(net, excess, 7)
    after = width_values(net)
    assert float(excess(learned_widths(net)).detach()) == 0
    assert after != before
    assert all(after[name] >= before[name] for name in before)
    # No width has room for a bit more.
    for name, bits in after.items():
        assert bits >= 7 or float(excess(as_tensors(after | {name: bits + 1}))) > 0


def test_a_step_of_a_memory_is_felt_on_both_sides():
    net = learning_net()
    flat = costs(net, 1.0, luts=0.0, blocks=0.0)
    # A block for up to 4 bits, two from 5 on.
    stepped = tuple(0.25 if bits < 5 else 0.5 for bits in range(2, 9))
    cost = replace(flat, results=flat.results | {"mida": (flat.results["mida"][0], stepped)})
    for bits, slope in ((2, 0.0), (3, 0.0), (4, 0.125), (5, 0.125), (6, 0.0), (8, 0.0)):
        widths = as_tensors(width_values(net)) | {"mida.activation": torch.tensor(float(bits), requires_grad=True)}
        shares = board_shares(net.config, cost)(widths)
        assert float(shares[1].detach()) == pytest.approx(0.02 + (0.25 if bits < 5 else 0.5))
        shares[1].backward()
        assert float(widths["mida.activation"].grad) == pytest.approx(slope)


@pytest.mark.parametrize("seed", range(3))
def test_a_budget_starts_at_widths_that_keep_to_it_the_dearest_narrowest(seed):
    net = learning_net(seed)
    set_widths(net, dict.fromkeys(width_values(net), 8))
    cost = costs(net, 0.4)
    # Each bit of one layer's weights takes a hundred times the memory.
    dear = tuple(tuple(100 * share for share in row) for row in cost.layers["midb"][1])
    cost = replace(cost, budget=1.5, layers=cost.layers | {"midb": (cost.layers["midb"][0], dear)})
    excess = excess_of(net, WidthLearning(measure="board", board=cost), 8, 8)
    assert float(excess(learned_widths(net)).detach()) > 0
    start_within(net, excess)
    widths = width_values(net)
    assert float(excess(learned_widths(net)).detach()) == 0
    others = [bits for name, bits in widths.items() if name not in ("midb.weight", "mida.activation")]
    assert widths["midb.weight"] < min(others)
    # And no other is at an end that it need not be at.
    assert min(others) > 2
    # A hundred times the cost is log4(100) = 3.3 bits.
    assert widths["midb.weight"] >= min(others) - 4


@pytest.mark.parametrize("how", [
    {"measure": "mean", "target": 3.7}, {"measure": "parameters", "target": 3.0},
    {"measure": "operations", "target": 4.5}, {"measure": "board"},
])
def test_settled_widths_keep_to_the_target(how):
    net = learning_net()
    if how["measure"] == "board":
        how = how | {"board": costs(net, 0.17)}
    with torch.no_grad():
        for offset in width_offsets(net).values():
            offset.add_(0.3)
    before = {name: float(offset.detach()) + 2 for name, offset in width_offsets(net).items()}
    excess = excess_of(net, WidthLearning(**how), 8, 8)
    assert float(excess(learned_widths(net)).detach()) > 0
    settle_within(net, excess, bounded=True)
    after = width_values(net)
    assert float(excess(learned_widths(net)).detach()) == 0
    assert all(2 <= after[name] <= round(before[name]) for name in after)
    # Not a bit more than needed: some width could not be one bit wider.
    wider = [after | {name: bits + 1} for name, bits in after.items() if bits < round(before[name])]
    assert wider
    priced = [{name: torch.tensor(float(bits)) for name, bits in widths.items()} for widths in wider]
    assert any(float(excess(widths)) > 0 for widths in priced)


def test_without_a_target_widths_are_rounded():
    net = learning_net()
    with torch.no_grad():
        for offset in width_offsets(net).values():
            offset.add_(0.4)
    expected = {name: round(float(offset.detach()) + 2) for name, offset in width_offsets(net).items()}
    settle_within(net, excess_of(net, WidthLearning(), 8, 8), bounded=False)
    assert width_values(net) == expected


def test_a_width_moves_by_the_pace_and_holds_where_it_is_missed():
    net = learning_net()
    set_widths(net, dict.fromkeys(width_values(net), 6))
    offsets = width_offsets(net)
    how = WidthLearning(weight=0.25, pace=2.0)
    held = next(iter(offsets))
    for name, offset in offsets.items():
        # What 0.25 times the mean width has for a gradient; the first one's task wants its bits back.
        offset.grad = torch.tensor(0.0 if name == held else 0.25 / len(offsets))
    move_widths(net, how, steps=100)
    assert float(offsets[held].detach()) == 4.0
    assert [float(offset.detach()) for name, offset in offsets.items() if name != held] == pytest.approx(
        [4 - 2.0 / 100] * (len(offsets) - 1))
    assert all(offset.grad is None for offset in offsets.values())


@pytest.mark.parametrize("how", [{"target": 1.5}, {"measure": "parameters", "target": 1.9}, {"measure": "board"}])
def test_what_no_width_can_meet_is_refused_at_once(how):
    net = learning_net()
    if how.get("measure") == "board":
        how = how | {"board": costs(net, 0.05)}
    with pytest.raises(ConfigurationError, match="narrowest"):
        excess_of(net, WidthLearning(**how), 8, 8)


def test_a_refused_budget_says_what_the_narrowest_need():
    net = learning_net()
    needed = max(on_the_board(net, dict.fromkeys(width_values(net), 2)))
    with pytest.raises(ConfigurationError, match=f"{needed:.1%} of the board.*{needed / 2:.1%}.*raise the budget"):
        excess_of(net, WidthLearning(measure="board", board=costs(net, needed / 2)), 8, 8)


@pytest.mark.parametrize("wrong", [{"measure": "area"}, {"measure": "board"}, {"weight": 0}, {"pace": -1.0},
                                   {"settled": 0.0}, {"settled": 1.5}, {"widest": 1}, {"widest": 4.5}])
def test_impossible_learning_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        WidthLearning(**wrong)


@pytest.mark.parametrize(("share", "epochs", "expected"), [(0.5, 10, 5), (0.4, 12, 5), (0.01, 3, 1), (1.0, 4, 4)])
def test_the_last_epochs_are_frozen(share, epochs, expected):
    assert frozen_epochs(WidthLearning(settled=share), epochs) == expected
