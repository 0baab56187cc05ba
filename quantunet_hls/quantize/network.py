"""Float networks: the graph in one form, ready for quantizers, and the network itself to be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor

from quantunet_hls.core.errors import ConfigurationError, shown
from quantunet_hls.ingest import as_meant
from quantunet_hls.ingest.passes.drop_probabilities import drop_probabilities
from quantunet_hls.ingest.source import NetworkSource
from quantunet_hls.ops.qonnx.graph import copy_of, only, replace_nodes, shape_of
from quantunet_hls.quantize.affine import Affine, affine_node, check_finite, fold_affine
from quantunet_hls.quantize.statistics import check_statistics, freeze_statistics, statistics_of

__all__ = ["FloatNetwork", "Normalization", "open_float"]


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """A network without quantizers.

    Attributes:
        name: what it is called.
        sha256: of its file or its weights.
        given: its graph as it came, without what changes nothing.
        frozen: the same with the statistics of calibration images for those of each image; None where it has no such.
    """

    name: str
    sha256: str
    given: ModelWrapper
    frozen: ModelWrapper | None = None

    @property
    def image(self) -> tuple[int, int, int]:
        """Channels, height and width that it takes."""
        channels, height, width = shape_of(self.given, only(self.given, "input"))[1:]
        return channels, height, width

    @property
    def folded(self) -> ModelWrapper:
        """What is quantized: its function with batch normalization in the convolutions."""
        return fold_affine(self.given if self.frozen is None else self.frozen)

    def frozen_by(self, images: Tensor) -> FloatNetwork:
        """The network for which images (N, channels, height, width) stand for all others, where it needs that."""
        return replace(self, frozen=freeze_statistics(self.given, images)) if statistics_of(self.given) else self


@dataclass(frozen=True)
class Normalization:
    """What a network expects of its images: of a grey or colour value v from 0 to 255, (v / 255 - mean) / deviation.

    Attributes:
        means: one, or one a channel.
        deviations: likewise, above 0.

    Raises:
        ConfigurationError: no such numbers.
    """

    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def __post_init__(self) -> None:
        if not np.all(np.isfinite((*self.means, *self.deviations))) or any(number <= 0 for number in self.deviations):
            raise ConfigurationError(f"Images can't be normalized with means {shown(self.means)} and standard "
                                     f"deviations {shown(self.deviations)}; give numbers, the deviations above 0.")

    @classmethod
    def of(cls, means: Sequence[float], deviations: Sequence[float]) -> Normalization | None:
        """What somebody asks for; None where there is nothing.

        Raises:
            ConfigurationError: one without the other, or no such numbers.
        """
        if bool(means) != bool(deviations):
            raise ConfigurationError("Images are normalized with --mean and --std; give both.")
        return cls(tuple(means), tuple(deviations)) if means else None

    def affine(self, channels: int) -> Affine:
        """The same for what enters a network, v / 256.

        Raises:
            ConfigurationError: as many numbers as there are not channels.
        """
        for numbers, what in ((self.means, "means"), (self.deviations, "standard deviations")):
            if len(numbers) not in (1, channels):
                raise ConfigurationError(f"There are {len(numbers)} {what} for images of {channels} channels; give "
                                         "one, or one a channel.")
        means, deviations = (np.resize(np.array(numbers), channels) for numbers in (self.means, self.deviations))
        return Affine(256 / 255 / deviations, -means / deviations)


def open_float(source: NetworkSource, normalization: Normalization | None = None, *,
               freeze: bool = False, classes: bool = False) -> FloatNetwork:
    """Read a float network.

    Args:
        source: of the network.
        normalization: of its images, which becomes its first layer; without one they are v / 256.
        freeze: whether normalization by each image's statistics will be frozen.
        classes: whether nothing but the class of each pixel is asked for.

    Raises:
        IllegalGraphError: there is such a normalization, and it won't be.
        QuantUNetError: a graph that is malformed, or holds what are no numbers.
    """
    given = as_meant(source.graph())
    if classes:
        given = drop_probabilities(given)
    check_finite(given)
    if not freeze:
        check_statistics(given)
    if normalization is not None:
        given = _normalizing(given, normalization)
    return FloatNetwork(source.name, source.sha256, given)


def _normalizing(model: ModelWrapper, normalization: Normalization) -> ModelWrapper:
    model = copy_of(model)
    image = only(model, "input")
    inside = f"{image}_normalized"
    layer = affine_node(model, normalization.affine(shape_of(model, image)[1]), image, inside, "normalization")
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == image:
                node.input[place] = inside
    replace_nodes(model, [layer, *model.graph.node])
    model.set_tensor_shape(inside, shape_of(model, image))
    return model
