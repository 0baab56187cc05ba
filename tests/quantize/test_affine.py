import numpy as np
import pytest
import torch
from torch import nn

from quantunet_hls.core.errors import IllegalGraphError
from quantunet_hls.ingest import as_meant, export_module
from quantunet_hls.quantize.affine import check_finite, fold_affine
from quantunet_hls.quantize.run import FloatModule
from tests.quantize.nets import BatchNormUNet, with_statistics


def same(net: nn.Module, shape: tuple[int, int, int]) -> list[str]:
    """What operators are left when all that can be is folded; the function must stay."""
    model = as_meant(export_module(net, shape))
    folded = fold_affine(model)
    images = torch.rand(2, *shape)
    with torch.no_grad():
        expected = net(images).numpy()
    assert np.allclose(FloatModule(folded)(images).numpy(), expected, atol=1e-4)
    return [node.op_type for node in folded.graph.node]


def test_batch_normalization_goes_into_the_convolution_in_front_where_there_is_one():
    left = same(with_statistics(BatchNormUNet(2)), (2, 8, 8))
    # The one behind the concatenation, which the quantizer behind it takes in.
    assert left.count("BatchNormalization") == 1
    assert left.count("Conv") == 4


class Arithmetic(nn.Module):
    """Constants of one number and of one a channel, in either order; and one that is no factor a channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.other = nn.Conv2d(2, 3, 1), nn.Conv2d(3, 3, 3, padding=1)
        self.each = nn.Parameter(torch.tensor([0.5, -2.0, 3.0])[:, None, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = 1 - (self.conv((x - 0.25) / 0.5) * self.each + 1) / 4
        # Two readers, so it can't go into the convolution.
        y = self.other(x)
        return (y * self.each) + y + 0.5


def test_arithmetic_with_constants_is_the_same():
    left = same(Arithmetic().eval(), (2, 6, 6))
    # What is in front of the first convolution, and behind one that has two readers, stays.
    assert left == ["Sub", "Div", "Conv", "Conv", "Mul", "Add", "Add"]


def test_weights_that_are_no_numbers_are_refused_by_their_layer():
    net = BatchNormUNet().eval()
    net.head.weight.data[0, 0] = float("nan")
    with pytest.raises(IllegalGraphError, match=r"/head/Conv.*no finite numbers"):
        check_finite(as_meant(export_module(net, (1, 8, 8))))
