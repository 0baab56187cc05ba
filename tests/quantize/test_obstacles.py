"""Every reason why a network can't be built, in one answer: of a float one those that quantizing would leave."""

import pytest
import torch
from torch import nn

from quantunet_hls.core.errors import FloatNetworkError
from quantunet_hls.ingest.source import open_network
from quantunet_hls.quantize.obstacles import obstacles
from tests.builders import Net
from tests.quantize.nets import BatchNormUNet, with_statistics


class Instances(nn.Module):
    """Two levels with instance normalization, an unpooling's indices, and a softmax at the end."""

    def __init__(self):
        super().__init__()
        self.one = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.InstanceNorm2d(2), nn.ReLU())
        self.two = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.InstanceNorm2d(2), nn.ReLU())
        self.last = nn.Conv2d(2, 2, 1)

    def forward(self, x):
        one = self.one(x)
        two = nn.functional.interpolate(self.two(nn.functional.max_pool2d(one, 2)), scale_factor=2, mode="bicubic")
        return torch.softmax(self.last(two + one), dim=1)


def test_a_float_network_is_told_so_first_and_what_else_there_is():
    first, *others = obstacles(open_network(Instances(), (1, 8, 8)))
    assert isinstance(first, FloatNetworkError)
    assert str(first).startswith("Instances is a float network, which has no exact hardware; quantize it")
    assert [error.remedy[:32] for error in others] == [
        "train the network with BatchNorm", "train the network with BatchNorm", "use nearest or bilinear upsampli",
        "export the logits, or ask for th"]


def test_a_group_normalization_is_one_obstacle():
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.ReLU())
    _, only = obstacles(open_network(net, (1, 8, 8)))
    assert "freeze them to the calibration images'" in only.remedy


def test_a_float_network_that_quantizing_would_make_legal():
    (only,) = obstacles(open_network(with_statistics(BatchNormUNet()), (1, 8, 8)))
    assert isinstance(only, FloatNetworkError)


@pytest.fixture
def saved(tmp_path):
    def save(net):
        path = tmp_path / "net.onnx"
        path.write_bytes(net.proto(net.nodes[-1].output[0]).SerializeToString())
        return open_network(path)
    return save


def test_a_quantized_network_breaks_several_rules(saved):
    net = Net()
    one = net.add("InstanceNormalization", [net.conv(net.quant("x"), 2), net.constant("g", [1, 1]),
                                            net.constant("b", [0, 0])], (1, 2, 4, 6), name="norm")
    two = net.resize(net.quant(one, rounding="CEIL", name="rounds"), mode="cubic", name="up")
    net.add("Softmax", [two], net.shapes[two], name="classes", axis=1)
    found = obstacles(saved(net))
    assert [error.node for error in found] == ["norm", "rounds", "up", "classes"]


def test_what_the_proof_of_the_ranges_refuses(saved):
    net = Net()
    net.concat(net.quant("x", 4, -60), net.quant(net.quant("x", 4, 50), 4, 55))
    assert obstacles(saved(net))


def test_a_network_that_can_be_built(saved):
    net = Net()
    net.conv(net.quant("x"), 2)
    assert obstacles(saved(net)) == ()
