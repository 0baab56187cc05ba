"""A report for the tests of the schema."""



from quantunet_hls.reports import Check, Figure, LayerReport, Network, Report, Source, Target, names

EXAMPLE = Report(
    name="unet",
    created="2026-01-31T12:00:00+00:00",
    network=Network("unet-8-3", "ab" * 32, (128, 96, 1), 1_000_000, 14_000, 4.0, 6.0),
    target=Target("zcu104", "xczu7ev-ffvc1156-2-e", 5.0),
    asked={"target_fps": 30.0, "folds": [1, 2], "output": "mask"},
    names={"enc0a": "/model/encoder.0/a/Conv"},
    checks=(Check("Brevitas", "C-simulation", None, 49_152, 0), Check("Brevitas", "C-simulation", "Conv_0", 10, 0)),
    layers=(LayerReport("Conv_0", "Conv2D", (Figure(names.LUT, 900, Source.CSYNTH, "Vitis HLS", "2024.2"),)),),
    figures=(
        Figure(names.LUT, 31_000, Source.ESTIMATE, "quantunet-hls", "0.1.0", 230_400),
        Figure(names.LUT, 30_013, Source.CSYNTH, "Vitis HLS", "2024.2", 230_400),
        Figure(names.LUT, 21_007, Source.ROUTED, "Vivado", "2024.2", 230_400),
        Figure(names.LATENCY_S_MAX, 8.4e-5, Source.CSYNTH, "Vitis HLS", "2024.2"),
    ),
    tools={"Vitis HLS": "2024.2"},
    files={"csynth log": "quantunet_logs/csynth.log"},
)
