import itertools

import pytest
import torch
from brevitas.core.function_wrapper import Identity, RoundSte, TensorClamp, TensorClampSte
from brevitas.core.quant.int_base import IntQuant

from quantunet_hls.ingest import export_module
from quantunet_hls.nets import LayerWidths, QuantUNet, UNetConfig, calibrate, fake_quantize
from quantunet_hls.nets.fake_quantize import BlockwiseIntQuant

ZERO = torch.tensor(0.0)


@pytest.fixture
def _small_blocks(monkeypatch):
    monkeypatch.setattr(fake_quantize, "_BLOCK", 50)


def bits_of(values):
    return values.contiguous().view(torch.int32)


def eighths(scale, *, channels_last=False):
    """Values around both ends of the grids below and all halves between, as (2, 3, 17, 9); zeros of both signs."""
    values = torch.arange(2 * 3 * 17 * 9).sub(459).div(8)
    values[:10], values[10:20] = -0.0, 0.0
    values = values[torch.randperm(len(values), generator=torch.Generator().manual_seed(0))].view(2, 3, 17, 9) * scale
    return values.to(memory_format=torch.channels_last) if channels_last else values


def results_of(kind, arguments, scale, width, values, gradients):
    """Results, and the gradients of values, scale and width: sums of few small whole numbers, so exact in any order."""
    quantizer = kind(input_view_impl=Identity(), float_to_int_impl=RoundSte(), **arguments)
    inputs = [part.clone().requires_grad_() for part in (values, scale, width)]
    result = quantizer(inputs[1], ZERO, inputs[2], inputs[0])
    result.backward(gradients)
    return result.detach(), *(part.grad for part in inputs)


def assert_same(arguments, scale, width, values, gradients):
    ours, theirs = (results_of(kind, arguments, scale, width, values, gradients)
                    for kind in (BlockwiseIntQuant, IntQuant))
    for mine, their in zip(ours[:2], theirs[:2], strict=True):
        assert torch.equal(bits_of(mine), bits_of(their))
    for mine, their in zip(ours[2:], theirs[2:], strict=True):
        assert (mine is None) == (their is None)
        assert mine is None or torch.equal(mine, their)
    return ours


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("signed", "narrow", "bits"), [
    *itertools.product([True], [False, True], [2, 4, 5]), *itertools.product([False], [False, True], [1, 4, 5]),
])
@pytest.mark.parametrize("clamp", [TensorClamp, TensorClampSte])
def test_values_and_gradients_are_brevitas_own(clamp, signed, narrow, bits, channels_last):
    arguments = {"signed": signed, "narrow_range": narrow, "tensor_clamp_impl": clamp()}
    for power in (-7, 0, 3):
        scale = torch.tensor(2.0**power)
        values = eighths(scale, channels_last=channels_last)
        gradients = torch.randint(-3, 4, values.shape, generator=torch.Generator().manual_seed(1)).float()
        result, by_value, *_ = assert_same(arguments, scale, torch.tensor(float(bits)), values, gradients)
        assert result.stride() == by_value.stride() == values.stride()
        assert (torch.count_nonzero(by_value) < torch.count_nonzero(gradients)) == (clamp is TensorClamp)


@pytest.mark.usefixtures("_small_blocks")
def test_gradients_of_a_part_of_a_concatenation_lie_apart_in_memory():
    values = eighths(torch.tensor(0.5), channels_last=True)
    wider = torch.ones(2, 7, 17, 9).to(memory_format=torch.channels_last).cumsum(1)
    arguments = {"signed": False, "narrow_range": False, "tensor_clamp_impl": TensorClamp()}
    assert_same(arguments, torch.tensor([0.5]), torch.tensor(4.0), values, wider[:, 2:5])


def test_what_is_no_number_stays_none():
    values = torch.tensor([float("nan"), float("inf"), -float("inf"), 1.0])
    quantizer = BlockwiseIntQuant(signed=False, narrow_range=False, input_view_impl=Identity())
    result = quantizer(torch.tensor(0.5), ZERO, torch.tensor(4.0), values)
    assert result.isnan().tolist() == [True, False, False, False]
    assert result[1:].tolist() == [7.5, 0.0, 1.0]


@pytest.mark.parametrize("scale", [torch.tensor(0.3), torch.tensor([0.5, 0.25, 1.0]).view(1, 3, 1, 1)])
def test_other_scales_go_brevitas_own_way(scale, monkeypatch):
    monkeypatch.setattr(fake_quantize, "_FakeQuantize", None)
    arguments = {"signed": True, "narrow_range": True, "tensor_clamp_impl": TensorClampSte()}
    values = eighths(torch.tensor(0.5))
    assert_same(arguments, scale, torch.tensor(4.0), values, torch.ones_like(values))


def _networks(monkeypatch, **settings):
    """The same network with our quantizers and with Brevitas's."""
    for own in (True, False):
        with monkeypatch.context() as patch:
            if not own:
                patch.setattr(BlockwiseIntQuant, "forward", IntQuant.forward)
            torch.manual_seed(0)
            net = QuantUNet(UNetConfig(depth=1, base_channels=2, widths=LayerWidths(4, 5)), **settings)
            calibrate(net, torch.rand(4, 1, 16, 8))
            yield net


@pytest.mark.parametrize("learned", [False, True])
def test_a_network_computes_the_same_in_training_and_evaluation(learned, monkeypatch):
    results = []
    for net in _networks(monkeypatch, learned_widths=learned):
        images = torch.rand(2, 1, 16, 8, generator=torch.Generator().manual_seed(2))
        trained = net.train()(images)
        trained.square().sum().backward()
        results.append((net.state_dict(), [trained.detach(), net.eval()(images).detach(), net.head.bias.grad]))
    (state, ours), (their_state, theirs) = results
    assert list(state) == list(their_state)
    assert all(torch.equal(bits_of(mine), bits_of(their)) for mine, their in zip(ours, theirs, strict=True))


def test_an_export_is_the_same_byte_for_byte(monkeypatch):
    ours, theirs = (export_module(net.eval(), (1, 16, 8)) for net in _networks(monkeypatch))
    assert ours.model.SerializeToString() == theirs.model.SerializeToString()


def test_the_networks_quantizers_are_these():
    net = QuantUNet(depth=1, base_channels=2)
    used = {path.rpartition(".")[0] for path, part in net.named_modules() if isinstance(part, BlockwiseIntQuant)}
    # The weights of eight convolutions, six activations (both branches of the skip have one), and the port.
    assert len(used) == 8 + 6 + 1
