from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.ingest.passes.lower_nodes import lower_nodes
from quantunet_hls.ingest.passes.tidy import tidy
from tests.builders import Net, execute, image_for, op_types, small_unet


def test_only_quantizers_on_activations_are_left_and_nothing_changes():
    model = tidy(small_unet().model())
    before = model.model.SerializeToString()
    folded = lower_nodes(model)
    assert op_types(folded).count("Quant") == 3
    image = image_for(model)
    assert np.array_equal(execute(folded, image), execute(model, image))
    assert model.model.SerializeToString() == before


@given(st.lists(st.floats(-40, 40, width=32), min_size=4, max_size=4), st.integers(2, 8), st.integers(-6, 2),
       st.booleans(), st.booleans(), st.sampled_from(["ROUND", "FLOOR"]))
def test_each_constant_is_what_fractions_say(values, bits, exponent, signed, narrow, rounding):
    narrow = narrow and signed
    net = Net((1, 1, 2, 2))
    raw = net.constant("w", np.array(values, dtype=np.float32).reshape(4, 1, 1, 1))
    weights = net.quant(raw, bits, exponent, signed=int(signed), narrow=int(narrow), rounding=rounding)
    net.add("Conv", [net.quant("x"), weights], (1, 4, 2, 2), kernel_shape=[1, 1])
    folded = lower_nodes(net.model())
    step = Fraction(2) ** exponent
    low, high = ((-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1))
    expected = []
    for value in values:
        steps = Fraction(value) / step
        whole = round(steps) if rounding == "ROUND" else steps.__floor__()
        expected.append(float(min(max(whole, low), high) * step))
    assert folded.get_initializer(weights).reshape(-1).tolist() == expected


def test_a_scale_for_each_filter_is_folded_too():
    net = Net((1, 1, 2, 2))
    raw = net.constant("w", np.array([0.6, 0.6]).reshape(2, 1, 1, 1))
    weights = net.quant(raw, 4, signed=1, scale=np.array([0.5, 0.125]).reshape(2, 1, 1, 1))
    net.add("Conv", [net.quant("x"), weights], (1, 2, 2, 2), kernel_shape=[1, 1])
    # 0.6 is 1.2 halves, so one half; and 4.8 eighths, so five.
    assert lower_nodes(net.model()).get_initializer(weights).reshape(-1).tolist() == [0.5, 0.625]
