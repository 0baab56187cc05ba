import pytest

from quantunet_hls.reports import Figure, Source, names
from quantunet_hls.reports.parsers.layers import by_layer, layer_of, layers_in_source

# In the form that hls4ml's writer gives the top function.
SOURCE = """
void unet(hls::stream<input_t> &global_in, hls::stream<result_t> &layer19_out) {
    #pragma HLS DATAFLOW
    hls::stream<layer2_t> layer2_out("layer2_out");
    nnet::conv_2d_cl<input_t, layer2_t, config2>(global_in, layer2_out, w2, b2); // Conv2D_Conv_0

    nnet::relu<layer2_t, layer4_t, relu_config4>(layer2_out, layer4_out); // Quant_1

    nnet::clone_stream<layer4_t, layer4_t, 16384>(layer4_out, layer20_cpy1, layer20_cpy2); // clone_Quant_1

    nnet::pooling2d_cl<layer4_t, layer12_t, config12>(layer20_cpy1, layer12_out); // Pool_config7
}
"""
LAYERS = {"Conv2D_Conv_0": 2, "Quant_1": 4, "Pool": 12, "Pool_1": 21, "Concat_9": None}


def test_the_source_tells_name_and_number():
    assert layers_in_source(SOURCE.splitlines()) == {"Conv2D_Conv_0": 2, "Quant_1": 4, "Pool_config7": 12}


def test_a_source_without_calls_tells_nothing():
    assert layers_in_source(["int main() { return 0; } // nothing"]) == {}


@pytest.mark.parametrize(
    ("module", "layer"),
    [
        ("conv_2d_cl_array_array_ap_fixed_16_6_5_3_0_8u_config2_s", "Conv2D_Conv_0"),
        ("conv_2d_cl_array_array_ap_fixed_8u_config2_U0", "Conv2D_Conv_0"),
        ("relu_array_array_ap_ufixed_6_relu_config4_s", "Quant_1"),
        ("pooling2d_cl_array_config12_s", "Pool"),
        ("pooling2d_cl_array_config21_s", "Pool_1"),
        ("concatenate3d_Concat_9_s", "Concat_9"),
        ("fifo_w8_Pool_1_S", "Pool_1"),
        ("clone_stream_array_array_array_8u_16384_s", None),
        ("conv_2d_cl_config22_s", None),
        ("Pooling", None),
        ("", None),
    ],
)
def test_a_module_finds_its_layer(module, layer):
    assert layer_of(module, LAYERS) == layer


def test_two_numbers_that_both_fit_fit_none():
    assert layer_of("merge_config2_config4_s", LAYERS) is None


def test_of_two_names_that_fit_the_longer_is_meant():
    assert layer_of("relu_a_b_c_s", {"b_c": None, "a_b_c": None, "c": None}) == "a_b_c"


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
