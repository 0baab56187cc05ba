"""Networks run on whole batches of images."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from hls4ml.model.graph import ModelGraph
from torch import Tensor

from quantunet_hls.core.errors import ConfigurationError, DataError, IllegalGraphError
from quantunet_hls.emulate.fuse import fuse
from quantunet_hls.emulate.port import assign_reals
from quantunet_hls.emulate.program import TensorProgram, compile_network
from quantunet_hls.ingest.model_graph import check_streaming_cpp, read_network
from quantunet_hls.ingest.scales import Scales
from quantunet_hls.ops.network import TypedNetwork
from quantunet_hls.ops.tensors.codes import Codes
from quantunet_hls.ops.tensors.kernel import layer_tensors

__all__ = ["Emulator", "predict", "trace"]

#: Values that an instruction may read and write at a time on a CPU, so that they stay in its cache.
_CACHED_VALUES = 1 << 20
#: The same on a GPU, which wants work for all its cores.
_GPU_VALUES = 1 << 27


class Emulator:
    """The hardware's integers at the speed of tensors.

    Args:
        network: what to compute, or the converted hls4ml model to read it from.
        device: torch's name of a device.
        scales: what numbers at the ports mean, where they are not the file's own.

    Raises:
        ConfigurationError: the device is not there.
        IllegalGraphError: arithmetic that can't be emulated exactly; names the layer.
    """

    def __init__(self, network: TypedNetwork | ModelGraph, device: str = "cpu", scales: Scales | None = None):
        self.network = network if isinstance(network, TypedNetwork) else _read(network)
        self.scales = scales or Scales()
        try:
            self.device = torch.device(device)
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            raise ConfigurationError(f"There is no device {device!r} here; use cpu, or cuda where torch has "
                                     "it.") from error
        if self.network.channels_first:
            raise IllegalGraphError(self.network.output, "its result leaves the network with the channels first, for "
                                    "which there is no emulation", "leave the channels last")
        self._fast = compile_network(fuse(self.network), self.device)
        self._whole: TensorProgram | None = None

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The network's output.

        Args:
            images: real numbers (images, height, width, channels), assigned to the port's type as the test bench does.

        Returns:
            float64 (images, height, width, classes): the very numbers of the hardware, in the file's scale.

        Raises:
            DataError: images of another shape, or numbers that are not finite.
        """
        results = {self.network.output: self._room(images, self.network.output)}
        self._run(self._fast, self._checked(images), results)
        return self.scales.from_port(results[self.network.output])

    def trace(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Every layer's result: hls4ml's layer name to float64 (images, height, width, channels), as hardware has it.

        Arguments and errors are those of :meth:`predict`.
        """
        if self._whole is None:
            self._whole = compile_network(self.network, self.device)
        results = {layer.name: self._room(images, layer.name) for layer in self.network.layers}
        self._run(self._whole, self._checked(images), results)
        return results

    def _room(self, images: np.ndarray, layer: str) -> np.ndarray:
        return np.empty((len(images), *self.network.by_name[layer].shape.axes))

    def _checked(self, images: np.ndarray) -> np.ndarray:
        expected = self.network.input.shape.axes
        if images.ndim != 4 or images.shape[1:] != expected:
            raise DataError(f"The network takes images of the shape {expected} (height, width, channels), "
                            f"and these have {images.shape}; give it (images, *{expected}).")
        images = images.astype(np.float64, copy=False)
        if not np.all(np.isfinite(images)):
            raise DataError("The images hold values that are not finite; remove them.")
        return self.scales.to_port(images)

    def _run(self, program: TensorProgram, images: np.ndarray, results: Mapping[str, np.ndarray]) -> None:
        """Fill in the results of the layers that they are wanted of, a few images at a time."""
        on_cpu = self.device.type == "cpu"
        threads = torch.get_num_threads() if on_cpu else 1
        size = max(1, (_CACHED_VALUES if on_cpu else _GPU_VALUES) // program.values)
        size = max(1, min(size, -(-len(images) // threads)))
        parts = [slice(start, start + size) for start in range(0, len(images), size)]

        def work(part: slice) -> None:
            with torch.inference_mode():
                for name, values, codes in self._layers(program, images[part]):
                    if name in results:
                        results[name][part] = _numbers(values, codes)

        with _exact():
            if threads == 1 or len(parts) <= 1:
                for part in parts:
                    work(part)
                return
            # Threads that each take images of their own never wait for one another, as those within an operation
            # do after every layer; on a busy machine that is several times as fast.
            try:
                with ThreadPoolExecutor(min(threads, len(parts)), initializer=lambda: torch.set_num_threads(1)) as pool:
                    for _ in pool.map(work, parts):
                        pass
            finally:
                # Parts of torch share the setting between threads.
                torch.set_num_threads(threads)

    def _layers(self, program: TensorProgram, images: np.ndarray) -> Iterator[tuple[str, Tensor, Codes]]:
        """Each layer's tensor as it is computed; none is kept longer than it is needed."""
        codes = assign_reals(images, program.port)
        images_in = torch.from_numpy(codes).permute(0, 3, 1, 2).to(self.device, _storage(program.port.width))
        held = {program.port_name: images_in}
        yield program.port_name, held[program.port_name], program.port_codes
        for each in program.instructions:
            held[each.name] = each.kernel.run([held[source] for source in each.sources])
            yield each.name, held[each.name], each.kernel.codes
            for name in each.done:
                del held[name]


def _read(model: ModelGraph) -> TypedNetwork:
    """The network of a model that the emulator follows.

    Raises:
        ConfigurationError: its C++ is not the streaming one.
    """
    check_streaming_cpp(model, "Emulation follows")
    network = read_network(model)
    for layer in network.layers:
        layer_tensors(layer).check_cpp(layer, [network.by_name[source] for source in layer.sources])
    return network


def _storage(width: int) -> torch.dtype:
    return torch.float32 if width <= 24 else torch.float64


def _numbers(values: Tensor, codes: Codes) -> np.ndarray:
    last = values.permute(0, 2, 3, 1).to("cpu", torch.float64).numpy()
    # Adding 0 turns the -0.0 that rounding can leave into the one 0 that integers have.
    return np.ldexp(last, -codes.fraction) + 0.0


@contextlib.contextmanager
def _exact() -> Iterator[None]:
    """Nothing but plain products and sums in full precision, whatever the caller has set.

    cuDNN may pick Winograd or Fourier transforms, which leave the integers, and TensorFloat-32 or bfloat16
    would cut them; without cuDNN torch multiplies matrices.
    """
    tf32 = torch.backends.cuda.matmul.allow_tf32
    with torch.backends.cudnn.flags(enabled=False), _ieee():
        try:
            torch.backends.cuda.matmul.allow_tf32 = False
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = tf32


@contextlib.contextmanager
def _ieee() -> Iterator[None]:
    backend: Any = torch.backends.mkldnn
    settings = [backend.conv, backend.matmul]
    before = [setting.fp32_precision for setting in settings]
    try:
        for setting in settings:
            setting.fp32_precision = "ieee"
        yield
    finally:
        for setting, precision in zip(settings, before, strict=True):
            setting.fp32_precision = precision


def predict(network: TypedNetwork, images: np.ndarray, device: str = "cpu") -> np.ndarray:
    """:meth:`Emulator.predict` of a network that is used once."""
    return Emulator(network, device).predict(images)


def trace(network: TypedNetwork, images: np.ndarray, device: str = "cpu") -> dict[str, np.ndarray]:
    """:meth:`Emulator.trace` of a network that is used once."""
    return Emulator(network, device).trace(images)
