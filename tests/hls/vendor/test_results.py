import pytest

from quantunet_hls.hls.vendor.results import by_layer, compare_logs
from quantunet_hls.reports import Figure, Source, names


def luts(count: int, source=Source.CSYNTH, tool="Vitis HLS"):
    return (Figure(names.LUT, count, source, tool),)


def test_layers_come_in_the_networks_order_and_the_rest_behind():
    modules = [("clone_stream", luts(5)), ("relu_config4", luts(3)), ("conv_config2", luts(9))]
    found = by_layer(modules, {"Conv": 2, "Pool": 3, "Relu": 4})
    assert [(layer.name, layer.kind, layer.figures) for layer in found] == [
        ("Conv", "", luts(9)),
        ("Relu", "", luts(3)),
        ("clone_stream", "module", luts(5)),
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_the_outermost_module_stands_for_its_layer(turned):
    modules = [("conv_config2", luts(90)), ("dense_config2", luts(40)), ("buffer_config2", luts(7))]
    found = by_layer(reversed(modules) if turned else modules, {"Conv": 2})
    assert found[0].name == "Conv"
    assert found[0].figures == luts(90)
    assert {layer.name: layer.figures for layer in found[1:]} == {"dense_config2": luts(40), "buffer_config2": luts(7)}


def test_each_source_has_its_own_figure():
    routed = luts(70, Source.ROUTED, "Vivado")
    found = by_layer([("conv_config2", luts(90)), ("conv_config2_U0 conv_config2", routed)], {"Conv": 2})
    assert [layer.figures for layer in found] == [luts(90) + routed]


def test_a_module_met_twice_is_told_once():
    found = by_layer([("clone", luts(5)), ("clone", luts(5)), ("clone", luts(6, Source.MAPPED, "Vivado"))], {})
    assert [(layer.name, len(layer.figures)) for layer in found] == [("clone", 2)]


@pytest.mark.parametrize(
    ("reference", "candidate", "expected"),
    [
        ("1 2\n3 4\n", "1 2\n3 4\n", (4, 0)),
        ("1 2 3", "1 2.0\n3e0", (3, 0)),
        ("1 2 3", "1 2 4", (3, 1)),
        ("1 2 3", "1 2", (3, 1)),
        ("", "1", (1, 1)),
        ("x 1", "y 1", (2, 1)),
        ("", "", (0, 0)),
    ],
)
def test_logs_are_compared_value_by_value(reference, candidate, expected):
    assert compare_logs(reference, candidate) == expected
