"""Random instances of every operator and every stage, as layers of a ModelGraph that all executors compute exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quantunet_hls.types.fixed import covering, parse_type
from tests.emulate.networks import Network

#: Holds every product and every sum of what follows, so that no executor has to round or wrap inside of a window.
_WIDE = "fixed<40,18>"


def _input(network: Network) -> None:
    network.activate("linear")


def _convolution(network: Network) -> None:
    random = network.random
    kernel, padding = [((3, 3), (1, 1, 1, 1)), ((1, 1), (0, 0, 0, 0)), ((2, 3), (1, 0, 0, 1)), ((3, 2), (1, 1, 0, 0)),
                       ((3, 3), (3, 2, 4, 1))][int(random.integers(5))]
    stride = (int(random.integers(1, 3)), int(random.integers(1, 3)))
    if random.integers(2):
        groups, each, filters = [(1, 1, 3), (2, 2, 1), (2, 1, 3), (3, 2, 2), (4, 1, 1)][int(random.integers(5))]
        network.convolve(groups * each, (1, 1), padding=(0, 0, 0, 0), accumulator=_WIDE)
        dilation = (int(random.integers(1, 4)), int(random.integers(1, 3)))
        network.convolve_groups(groups, groups * filters, kernel, stride, padding, dilation,
                                reuse=int(random.choice([1, 2, 3])) if groups > 1 else 1, accumulator=_WIDE)
        return
    depthwise = bool(random.integers(2))
    filters = network.channels if depthwise else int(random.integers(1, 5))
    # hls4ml moves a depthwise kernel of one row by one row.
    stride = (1, stride[1]) if depthwise and kernel[0] == 1 else stride
    network.convolve(filters, kernel, stride, padding, depthwise=depthwise, accumulator=_WIDE)


def _pooling(network: Network) -> None:
    random = network.random
    operation = str(random.choice(["Max", "Average"]))
    form = random.integers(3)
    if form == 0:
        network.pool(operation, (2, 2), accumulator=_WIDE)
    elif form == 1:
        network.pool_whole(operation, accumulator=_WIDE)
    else:
        network.pool_windows(operation, (3, 3), (2, 1), (1, 1, 1, 1), accumulator=_WIDE)


def _padding(network: Network) -> None:
    random = network.random
    if random.integers(2):
        # More than the windows behind have room for.
        network.pad(*(int(count) for count in random.integers(0, 5, 4)))
        network.convolve(2, (3, 3), padding=(0, 0, 0, 0), accumulator=_WIDE)
        return
    network.convolve(4, (1, 1), padding=(0, 0, 0, 0), accumulator=_WIDE)
    top, bottom, left, right = (int(count) for count in random.integers(-2, 4, 4))
    network.frame((top, bottom, left, right), (int(random.integers(-1, 3)), int(random.integers(-2, 3))))


def _upsample(network: Network) -> None:
    network.resize(int(network.random.integers(1, 4)), int(network.random.integers(1, 4)))


def _interpolation(network: Network) -> None:
    random = network.random
    axis = int(random.integers(2))
    pixels = (network.height, network.width)[axis]
    # Half pixels, fractions of whole ones, and the first and last pixel on those that come in.
    size = pixels * int(random.integers(1, 5)) + int(random.integers(1, 3))
    start, step, parts = [(pixels - size, 2 * pixels, 2 * size), (0, pixels, size), (0, pixels - 1, size - 1)][
        int(random.integers(3))]
    network.interpolate(axis, size, start, step, parts, int(random.choice([1, parts, 4, 12])), accumulator=_WIDE)


def _zero_insertion(network: Network) -> None:
    network.spread(int(network.random.integers(1, 4)), int(network.random.integers(1, 4)),
                   int(network.random.integers(3)))


def _depth_to_space(network: Network) -> None:
    random = network.random
    block = int(random.integers(2, 4))
    network.convolve(block**2 * int(random.integers(1, 3)), (1, 1), padding=(0, 0, 0, 0), accumulator=_WIDE)
    network.blocks(block, pixelwise=bool(random.integers(2)))


def _argmax(network: Network) -> None:
    network.classify(int(network.random.integers(-40, 41)), 5)


def _concat(network: Network) -> None:
    source, channels = network.last, network.channels
    network.convolve(int(network.random.integers(1, 4)), accumulator=_WIDE)
    network.concatenate(source, channels)


def _add(network: Network) -> None:
    source = network.last
    network.convolve(network.channels, accumulator=_WIDE)
    network.add("Merge", {"result": network.type()}, inputs=[source, network.last], op="add")


def _multiply(network: Network) -> None:
    image, shape = network.last, (network.height, network.width, network.channels)
    network.convolve(int(network.random.choice([1, network.channels])), accumulator=_WIDE)
    if network.random.integers(2):
        network.pool_whole("Max", accumulator=_WIDE)
    network.multiply(image, shape, network.type())


def _cast(network: Network) -> None:
    network.activate("linear")


def _relu(network: Network) -> None:
    network.activate("relu")


def _leaky_relu(network: Network) -> None:
    network.activate("LeakyReLU", precision={"param": "fixed<16,6>"},
                     activ_param=float(network.random.choice([0.1, 0.25])))


def _quotient(network: Network) -> None:
    network.pool_windows("Average", (3, 3), (2, 2), (1, 0, 1, 0), accumulator=_WIDE)


def _requantize(network: Network) -> None:
    """Behind sums of integers: one line or two, numbers for each channel or for all, factors of either sign."""
    random = network.random
    network.convolve(int(random.choice([2, 4, 6])), accumulator=_WIDE)
    lines, channels = int(random.integers(1, 3)), network.channels if random.integers(3) else 1
    low = int(random.choice([0, -7, -8, -3]))
    high = int(random.choice([7, 15, 12]))
    network.requantize(low, high, shift=int(random.integers(4, 9)), fraction=int(random.integers(0, 3)),
                       half_even=int(random.integers(2)),
                       factors=random.integers(-60, 61, (lines, channels)),
                       offsets=random.integers(-500, 501, (lines, channels)) * int(random.choice([1, 4])),
                       splits=random.integers(-20, 21, channels) if lines == 2 else np.zeros(0, int))


def _multi_threshold(network: Network) -> None:
    """Behind sums of integers: thresholds for each channel or for all, levels that rise or fall."""
    random = network.random
    network.convolve(int(random.choice([2, 4, 6])), accumulator=_WIDE)
    channels, bits = network.channels if random.integers(3) else 1, int(random.integers(1, 5))
    numbers = np.sort(random.integers(-90, 91, (channels, (1 << bits) - 1)), axis=1)
    network.count_thresholds(int(random.choice([0, -8, -3])), numbers, random.integers(0, 2, channels),
                             fraction=int(random.integers(0, 3)))


def _sigmoid(network: Network) -> None:
    network.activate("sigmoid", precision={"table": "fixed<18,8>"})


def _threshold(network: Network) -> None:
    network.convolve(1, (1, 1), padding=(0, 0, 0, 0), accumulator=_WIDE)
    network.classify(int(network.random.integers(-40, 41)), 5)


def _clip(network: Network) -> None:
    given = parse_type(network.types[network.last])
    finer = int(network.random.integers(3))
    network.limit(str(covering(given.low << finer, given.high << finer, given.fraction + finer)))
    if network.random.integers(2):
        network.activate("linear")


def _table(network: Network) -> None:
    network.look_up(network.type(1, 8))


def _pointwise(network: Network) -> None:
    (_cast, _relu, _leaky_relu, _sigmoid, _table)[int(network.random.integers(5))](network)


INSTANCES: dict[str, Callable[[Network], None]] = {
    "input": _input, "convolution": _convolution, "pooling": _pooling, "padding": _padding, "upsample": _upsample,
    "depth_to_space": _depth_to_space,
    "interpolation": _interpolation,
    "zero_insertion": _zero_insertion, "argmax": _argmax, "concat": _concat, "add": _add, "multiply": _multiply,
    "pointwise": _pointwise,
}
STAGE_INSTANCES: dict[str, Callable[[Network], None]] = {
    "cast": _cast, "relu": _relu, "leaky_relu": _leaky_relu, "requantize": _requantize,
    "quotient": _quotient, "sigmoid": _sigmoid, "threshold": _threshold, "table": _table, "clip": _clip,
    "multi_threshold": _multi_threshold,
}


def instance(kind: str, seed: int) -> Network:
    """A small network whose one layer, or stage, of interest is of that kind."""
    random = np.random.default_rng(seed)
    network = Network(random, int(random.integers(3, 6)) * 2, int(random.integers(3, 6)) * 2,
                      int(random.integers(1, 4)), name=f"{kind}{seed}")
    # A port may be given any code of its type, the one below a symmetrical range as well.
    network.change_input(network.type(5, 12, modes=False))
    (INSTANCES | STAGE_INSTANCES)[kind](network)
    return network
