"""From a Brevitas module to a QONNX graph, and the module's own values layer by layer."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch
from brevitas.export import export_qonnx
from brevitas.nn.mixin import QuantNonLinearActMixin, QuantWeightMixin
from qonnx.core.modelwrapper import ModelWrapper
from torch import nn

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError
from quantunet_hls.core.workshop import workshop
from quantunet_hls.ingest.load import load_qonnx
from quantunet_hls.ingest.results import only_result

__all__ = ["ModuleTrace", "export_module", "is_quantized", "trace_module"]

_log = logging.getLogger(__name__)

#: Values of one layer of a Brevitas module: its name and what it computed, (batch, channels, height, width).
ModuleTrace = list[tuple[str, np.ndarray]]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keeps what modules and the exporter print, and their warnings, off the user's screen; they go to the log.

    He could act on none of it: where the exporter fails, it prints its whole graph in front of what it says. It does
    so from C++, which no redirection of Python's streams reaches.
    """
    out = io.StringIO()
    with tempfile.TemporaryFile() as file:
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), \
                    _descriptors_to(file.fileno()):
                warnings.simplefilter("ignore")
                yield
        finally:
            file.seek(0)
            for line in (*out.getvalue().splitlines(), *file.read().decode(errors="replace").splitlines()):
                _log.debug("export: %s", line)


@contextlib.contextmanager
def _descriptors_to(target: int) -> Iterator[None]:
    """The process's output and error output, by their numbers, into a file."""
    with contextlib.ExitStack() as back:
        for number in (1, 2):
            try:
                saved = os.dup(number)
            except OSError:
                # Closed from the start, as for a daemon.
                continue
            back.callback(os.close, saved)
            back.callback(os.dup2, saved, number)
            os.dup2(target, number)
        # What C++ still holds back belongs to the file as well.
        back.callback(ctypes.CDLL(None).fflush, None)
        yield


def is_quantized(module: nn.Module) -> bool:
    """Whether any layer of a module has a Brevitas quantizer."""
    return any(isinstance(part, (QuantWeightMixin, QuantNonLinearActMixin)) for part in module.modules())


def export_module(module: nn.Module, shape: tuple[int, int, int]) -> ModelWrapper:
    """The QONNX graph of a Brevitas module for images of ``shape`` (channels, height, width).

    Raises:
        ConfigurationError: the module can't be run on such an image, gives several results, or can't be exported.
    """
    module = copy.deepcopy(module).cpu().eval()
    image = torch.zeros(1, *shape)
    try:
        with torch.no_grad(), _quietly():
            only_result(module(image))
    except QuantUNetError:
        raise
    except Exception as error:  # somebody else's forward may raise anything
        raise ConfigurationError(
            f"The network can't be run on an image of {shape[0]}x{shape[1]}x{shape[2]} "
            f"(channels x height x width): {_first_line(error)}."
        ) from error
    with workshop() as folder:
        path = folder / "net.onnx"
        try:
            # The TorchScript exporter keeps the modules' names, by which a person knows the layers.
            with _quietly():
                export_qonnx(module, args=image, export_path=str(path), dynamo=False, opset_version=13)
        except Exception as error:  # the exporter raises whatever its many passes raise
            raise ConfigurationError(
                f"The network can't be exported to QONNX ({_first_line(error)}); "
                "use layers that brevitas.export.export_qonnx supports."
            ) from error
        return load_qonnx(path)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


@torch.no_grad()
def trace_module(module: nn.Module, images: np.ndarray) -> tuple[np.ndarray, ModuleTrace, ModuleTrace]:
    """Run a Brevitas module and keep what each of its quantized layers computed.

    The run is in double precision, where every sum of products of a quantized
    net is exact whatever the order; single precision is so only up to 2**24 steps.

    Args:
        module: the module; it is not changed.
        images: float (batch, channels, height, width).

    Returns:
        The output, the layers with weights, and the activations, each in the order they ran.
    """
    module = copy.deepcopy(module).cpu().double().eval()
    weighted: ModuleTrace = []
    activations: ModuleTrace = []

    def keep(trace: ModuleTrace, name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(_module: nn.Module, _args: object, output: object) -> None:
            value = getattr(output, "value", output)
            assert isinstance(value, torch.Tensor)
            trace.append((name, value.numpy().copy()))
        return hook

    for name, part in module.named_modules():
        if isinstance(part, QuantWeightMixin):
            part.register_forward_hook(keep(weighted, name))
        elif isinstance(part, QuantNonLinearActMixin):
            part.register_forward_hook(keep(activations, name))
    output = only_result(module(torch.from_numpy(np.ascontiguousarray(images, dtype=np.float64))))
    value = output if isinstance(output, torch.Tensor) else output.value
    return value.numpy(), weighted, activations
