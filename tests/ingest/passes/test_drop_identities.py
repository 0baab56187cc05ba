import numpy as np
import pytest

from quantunet_hls.ingest.passes.drop_identities import drop_identities
from quantunet_hls.ingest.passes.tidy import tidy
from tests.builders import Net, execute, image_for, op_types


def graph(where: str):
    net = Net()
    image = "x"

    def nothing(source):
        return net.add("Identity", [source], net.shapes[source])

    if where in ("front", "everywhere"):
        image = nothing(image)
    value = net.conv(net.quant(image), 2)
    if where in ("middle", "everywhere"):
        value = nothing(nothing(value))
    value = net.conv(value, 2)
    if where in ("end", "everywhere"):
        value = nothing(value)
    return tidy(net.model(value))


@pytest.mark.parametrize("where", ["front", "middle", "end", "everywhere"])
def test_nothing_is_left_and_nothing_changes(where):
    model = graph(where)
    before = model.model.SerializeToString()
    without = drop_identities(model)
    assert "Identity" in op_types(model)
    assert "Identity" not in op_types(without)
    assert [tensor.name for tensor in without.graph.output] == [tensor.name for tensor in model.graph.output]
    image = image_for(model)
    assert np.array_equal(execute(without, image), execute(model, image))
    assert model.model.SerializeToString() == before


def test_a_forked_identity_leaves_both_readers():
    net = Net()
    value = net.add("Identity", [net.conv(net.quant("x"), 2)], (1, 2, 4, 6))
    net.concat(net.relu(value), net.relu(value))
    model = tidy(net.model())
    image = image_for(model)
    assert np.array_equal(execute(drop_identities(model), image), execute(model, image))


def test_dropout_goes_too():
    net = Net()
    net.conv(net.add("Dropout", [net.quant("x")], (1, 2, 4, 6)), 2)
    assert "Dropout" not in op_types(drop_identities(tidy(net.model())))
