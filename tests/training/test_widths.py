import math

import numpy as np
import pytest
import torch
from brevitas.loss.weighted_bit_width import ActivationBitWidthWeightedBySize, WeightBitWidthWeightedBySize

from quantunet_hls.errors import ConfigurationError
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, calibrate
from quantunet_hls.nets.learned import learned_widths, set_widths, width_offsets, width_values
from quantunet_hls.nets.sizes import layer_sizes
from quantunet_hls.training.settings import BoardCost, WidthLearning
from quantunet_hls.training.widths import excess_of, frozen_epochs, move_widths, settle_within


def learning_net(seed=0):
    torch.manual_seed(seed)
    net = QuantUNet(UNetConfig(depth=1, base_channels=2, widths=LayerWidths(8, 8)), learned_widths=True)
    calibrate(net, torch.rand(4, 1, 8, 8))
    draws = np.random.default_rng(seed)
    set_widths(net, {name: int(draws.integers(2, 9)) for name in width_values(net)})
    return net


def costs(net, luts=1.0, blocks=1.0):
    names = net.config.layer_names
    return BoardCost(luts=dict.fromkeys(names, 1.0), weight_blocks=dict.fromkeys(names, 2.0),
                     line_blocks=dict.fromkeys(names, 3.0), lut_budget=luts, block_budget=blocks)


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


def test_a_board_counts_products_and_memory_beyond_its_budgets():
    net = learning_net()
    set_widths(net, dict.fromkeys(width_values(net), 4))
    layers = len(net.config.layer_names)
    luts = 16 * (layers - 1) + 4 * 8  # the image has 8 bits
    blocks = 2 * 4 * layers + 3 * (4 * (layers - 1) + 8)
    excess = excess_of(net, WidthLearning(measure="board", board=costs(net, luts / 1.5, blocks / 1.25)), 8, 8)
    assert float(excess(learned_widths(net)).detach()) == pytest.approx(8 * (0.5 + 0.25))
    enough = excess_of(net, WidthLearning(measure="board", board=costs(net, luts, blocks)), 8, 8)
    assert float(enough(learned_widths(net)).detach()) == 0


@pytest.mark.parametrize("how", [
    {"measure": "mean", "target": 3.7}, {"measure": "parameters", "target": 3.0},
    {"measure": "operations", "target": 4.5}, {"measure": "board"},
])
def test_settled_widths_keep_to_the_target(how):
    net = learning_net()
    if how["measure"] == "board":
        how = how | {"board": costs(net, luts=110.0, blocks=170.0)}
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
        how = how | {"board": costs(net)}
    with pytest.raises(ConfigurationError, match="narrowest"):
        excess_of(net, WidthLearning(**how), 8, 8)


@pytest.mark.parametrize("wrong", [{"measure": "area"}, {"measure": "board"}, {"weight": 0}, {"pace": -1.0},
                                   {"settled": 0.0}, {"settled": 1.5}, {"widest": 1}, {"widest": 4.5}])
def test_impossible_learning_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        WidthLearning(**wrong)


@pytest.mark.parametrize(("share", "epochs", "expected"), [(0.5, 10, 5), (0.4, 12, 5), (0.01, 3, 1), (1.0, 4, 4)])
def test_the_last_epochs_are_frozen(share, epochs, expected):
    assert frozen_epochs(WidthLearning(settled=share), epochs) == expected
