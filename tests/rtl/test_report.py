from dataclasses import replace

import numpy as np
import pytest

from quantunet_hls.ops.streaming import StreamGraph
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Source
from quantunet_hls.rtl.report import paced_figures, simulation_figures
from quantunet_hls.rtl.simulate.verilator import Simulation
from tests.rtl.graphs import every_kind


def simulated(graph, interval):
    run = Simulation(np.zeros((2, 1, 1, 1), int), 0, 0, (99, 99 + interval), {})
    return {figure.name: figure.value for figure in simulation_figures(run, graph, 5.0)}


def test_figures_of_a_simulation():
    graph = every_kind()
    found = simulated(graph, 1_000)
    assert (found[names.INTERVAL_CYCLES_MAX], found[names.LATENCY_CYCLES_MAX]) == (1_000, 100)
    assert found[names.FRAMES_PER_S] == pytest.approx(200_000)
    macs, units = (sum(getattr(layer, name) for layer in graph.layers) for name in ("macs", "mac_units"))
    assert found[names.MULTIPLIER_USE] == pytest.approx(macs / units / 1_000)
    assert simulated(graph, 2_000)[names.MULTIPLIER_USE] == pytest.approx(found[names.MULTIPLIER_USE] / 2)


def test_a_layer_that_never_waits_uses_all_its_multipliers():
    graph = every_kind()
    image, layer = graph.layers[:2]
    alone = StreamGraph("alone", (image, replace(layer, lanes=3)))
    assert simulated(alone, alone.layers[1].cycles)[names.MULTIPLIER_USE] == 1


def test_without_multipliers_none_is_at_work():
    graph = every_kind()
    assert names.MULTIPLIER_USE not in simulated(StreamGraph("none", graph.layers[:1]), 1_000)


def test_a_design_that_was_simulated_layer_by_layer_has_the_pace_of_its_slowest_layer():
    graph = every_kind()
    found = {figure.name: figure for figure in paced_figures(graph, 5.0)}
    assert found[names.INTERVAL_CYCLES_MAX].value == max(layer.cycles for layer in graph.layers)
    assert found[names.INTERVAL_CYCLES_MAX].source is Source.ESTIMATE
    assert names.LATENCY_CYCLES_MAX not in found
