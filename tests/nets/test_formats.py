import numpy as np
import pytest
import torch
from brevitas.nn import QuantConv2d, QuantReLU
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.nets import LayerWidths
from quantunet_hls.nets.formats import with_formats
from quantunet_hls.nets.quantizers import activation_quantizer, weight_quantizer


@given(whole=st.integers(0, 4), fraction=st.integers(0, 8), seed=st.integers(0, 99))
def test_a_weight_format_rounds_and_saturates_symmetrically(whole, fraction, seed):
    bits = max(2, whole + fraction)
    whole = bits - fraction
    widths = with_formats(LayerWidths(), f"w{whole}.{fraction}")
    layer = QuantConv2d(1, 4, 3, weight_quant=weight_quantizer(widths.weight, fraction=widths.weight_fraction))
    values = np.random.default_rng(seed).normal(0, 2.0**whole / 2, layer.weight.shape).astype(np.float32)
    layer.weight.data = torch.from_numpy(values)
    largest = 2 ** (bits - 1) - 1
    expected = np.clip(np.round(values * 2.0**fraction), -largest, largest) * 2.0**-fraction
    assert np.array_equal(layer.quant_weight().value.detach().numpy(), expected.astype(np.float32))


@pytest.mark.parametrize(("name", "largest", "step"), [
    ("a6.0", 63, 1.0), ("a8.8", 65535 / 256, 2**-8), ("a0.4", 15 / 16, 1 / 16),
])
def test_an_activation_format_holds_what_its_name_says(name, largest, step):
    widths = with_formats(LayerWidths(), name)
    relu = QuantReLU(act_quant=activation_quantizer(widths.activation, fraction=widths.activation_fraction),
                     return_quant_tensor=True)
    values = torch.tensor([-5.0, 0.4 * step, 0.6 * step, 1000.0])
    assert relu(values).value.tolist() == [0.0, 0.0, step, largest]


@pytest.mark.parametrize("name", ["w4", "w0.1", "a0.0", "x1.1", "w-1.4", "a6.0 ", "", "w0.400"])
def test_what_is_no_format_is_refused(name):
    with pytest.raises(ConfigurationError, match="no fixed-point format"):
        with_formats(LayerWidths(), name)
