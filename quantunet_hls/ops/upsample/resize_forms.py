"""The forms that ONNX has for one resizing: scales or sizes, for all axes or some of them.

Opsets 11 to 17 have either for each axis; 18 has either for a list of axes, a policy for sizes, and a filter for
images that become smaller. What is older, :mod:`quantunet_hls.ingest.passes.current_forms` has brought into these.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from quantunet_hls.ops.qonnx.graph import add_constant, attribute, constant, remove_attribute, shape_of

__all__ = ["plain_resize", "plain_scales"]


def plain_resize(model: ModelWrapper, node: NodeProto) -> None:
    """A Resize to no smaller image gets a scale for each axis, or a size where float32 does not hold the scales.

    Others stay as they are.
    """
    before, after = shape_of(model, node.input[0]), shape_of(model, node.output[0])
    if len(before) != len(after) or any(large < small for small, large in zip(before, after, strict=True)):
        return
    exact = [Fraction(large, small) for small, large in zip(before, after, strict=True)]
    axes = [axis % len(before) for axis in attribute(node, "axes", range(len(before)))]
    if _scales(model, node, [before[axis] for axis in axes]) != [exact[axis] for axis in axes]:
        return
    region = node.input[1] or add_constant(model, f"{node.output[0]}_no_roi", np.zeros(0, dtype=np.float32))
    scales = np.array([float(scale) for scale in exact], dtype=np.float32)
    if [Fraction(float(scale)) for scale in scales] == exact:
        node.input[:] = [node.input[0], region, add_constant(model, f"{node.output[0]}_scales", scales)]
    else:
        nothing = add_constant(model, f"{node.output[0]}_no_scales", np.zeros(0, dtype=np.float32))
        sizes = add_constant(model, f"{node.output[0]}_sizes", np.array(after, dtype=np.int64))
        node.input[:] = [node.input[0], region, nothing, sizes]
    # A filter against aliasing does nothing where no image becomes smaller.
    for name in ("axes", "keep_aspect_ratio_policy", "antialias"):
        remove_attribute(node, name)


def plain_scales(model: ModelWrapper, node: NodeProto) -> list[Fraction] | None:
    """By what a Resize in either of these forms multiplies each axis, exactly; None for another."""
    scales = _scales(model, node, shape_of(model, node.input[0])) if attribute(node, "axes") is None else None
    return scales if scales is not None and len(scales) == 4 else None


def _scales(model: ModelWrapper, node: NodeProto, before: Sequence[int]) -> list[Fraction] | None:
    """By what it multiplies these sizes, exactly; None where that is computed, or no number."""
    given = [constant(model, name) if name else None for name in [*node.input, "", "", ""][2:4]]
    scales, sizes = (None if value is None or not value.size else value for value in given)
    if scales is not None:
        if scales.ndim != 1 or not np.all(np.isfinite(scales)):
            return None
        return [Fraction(float(scale)) for scale in scales]
    if sizes is None or sizes.dtype.kind != "i" or sizes.shape != (len(before),):
        return None
    ratios = [Fraction(int(size), small) for size, small in zip(sizes, before, strict=True)]
    # By the other policies the image keeps its proportions within, or around, the sizes.
    policy = attribute(node, "keep_aspect_ratio_policy", "stretch")
    common = {"not_larger": min, "not_smaller": max}.get(policy)
    if common is not None:
        return [common(ratios)] * len(ratios)
    return ratios if policy == "stretch" else None
