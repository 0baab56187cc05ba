import pytest
import torch

from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, calibrate, settled
from quantunet_hls.nets.learned import clamp_widths, learned_widths, set_widths, width_offsets, width_values
from quantunet_hls.zoo import checkpoints as zoo


def learning_net():
    torch.manual_seed(0)
    net = QuantUNet(UNetConfig(depth=1, base_channels=2, widths=LayerWidths(6, 5)), learned_widths=True)
    calibrate(net, torch.rand(4, 1, 8, 8))
    return net.eval()


def test_every_quantizer_has_one_width_and_the_branches_of_a_skip_share_theirs():
    widths = width_values(learning_net())
    layers = UNetConfig(depth=1).layer_names
    assert {name for name in widths if name.endswith(".weight")} == {f"{name}.weight" for name in layers}
    assert {name for name in widths if name.endswith(".activation")} == {
        f"{name}.activation" for name in layers if name not in ("up0", "head")
    }
    assert set(widths.values()) == {6, 5}


def test_widths_are_whole_in_the_forward_pass_and_have_a_gradient():
    net = learning_net()
    with torch.no_grad():
        for offset in width_offsets(net).values():
            offset.sub_(0.3)
    widths = [float(width.detach()) for width in learned_widths(net).values()]
    assert widths == [round(width) for width in widths]
    net(torch.rand(2, 1, 8, 8)).square().sum().backward()
    assert any(float(offset.grad) != 0 for offset in width_offsets(net).values())


def test_clamped_widths_stay_between_two_bits_and_the_widest():
    net = learning_net()
    with torch.no_grad():
        for index, offset in enumerate(width_offsets(net).values()):
            offset.fill_(-3.0 if index % 2 else 30.0)
    clamp_widths(net, 7)
    assert set(width_values(net).values()) == {2, 7}


def test_a_settled_net_computes_the_same_and_comes_back_from_its_file(tmp_path):
    net = learning_net()
    set_widths(net, {"enc0a.weight": 3, "enc0b.activation": 4, "head.weight": 8, "dec0b.activation": 2})
    plain = settled(net)
    image = torch.rand(2, 1, 8, 12)
    assert torch.equal(plain(image), net(image))
    assert not any("offset" in key for key in plain.state_dict())
    widths = plain.config.layer_widths
    assert (widths["enc0a"].weight, widths["enc0a"].activation) == (3, 5)
    assert (widths["enc0b"].activation, widths["up0"].activation) == (4, 4)
    assert (widths["head"].weight, widths["dec0b"].activation) == (8, 2)
    zoo.save(plain, "settled_net", height=8, width=12, folder=tmp_path)
    again, card = zoo.load(tmp_path / "settled_net.pt")
    assert torch.equal(again(image), net(image))
    assert card.architecture == plain.config


@pytest.mark.parametrize("quantized", [True, False])
def test_nothing_to_settle(quantized):
    net = QuantUNet(depth=1, base_channels=2, quantized=quantized)
    assert settled(net) is net
    assert width_values(net) == {}
