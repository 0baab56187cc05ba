import itertools
from pathlib import Path

import hls4ml
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.process import run
from quantunet_hls.types.fixed import ROUNDINGS, SATURATIONS, FixedType, cast, covering, shifted_right

SOURCES = [FixedType(9, 5), FixedType(9, 5, False)]
SHAPES = [(5, 3, True), (5, 3, False), (4, 6, True), (3, -1, False)]
AP_TYPES = Path(hls4ml.__file__).parent / "templates" / "vivado" / "ap_types"


@pytest.fixture(scope="module")
def ap_fixed_casts(tmp_path_factory):
    """What ap_fixed itself makes of every code, in every mode: {(source, target): codes}."""
    folder = tmp_path_factory.mktemp("ap_fixed")
    # Rounding comes before saturation: every one of each, and the two that interact most with all.
    modes = [*itertools.product(ROUNDINGS, ("SAT",)), *itertools.product(("TRN", "RND_CONV"), SATURATIONS)]
    pairs = [(source, FixedType(*shape, *mode)) for source, shape, mode
             in itertools.product(SOURCES, SHAPES, dict.fromkeys(modes))]
    lines = ["#include <cstdio>", '#include "ap_fixed.h"',
             "template <class S, class T> void all(int low, int high) {",
             "  for (int code = low; code <= high; ++code) {",
             "    S value; value.range(S::width - 1, 0) = code; T cast = value;",
             "    ap_int<33> shown = 0; for (int b = 0; b < T::width; ++b) shown[b] = bool(cast[b]);",
             '    std::printf("%d ", int(shown)); }',
             '  std::printf("\\n"); }', "int main() {"]
    lines += [f"all<{_cpp(source)}, {_cpp(target)}>({source.low}, {source.high});" for source, target in pairs]
    (folder / "casts.cpp").write_text("\n".join([*lines, "}"]) + "\n")
    run(["g++", "-std=c++14", "-O0", "-w", f"-I{AP_TYPES}", "casts.cpp", "-o", "casts"], log=folder / "g++.log",
        cwd=folder)
    run([folder / "casts"], log=folder / "casts.log")
    printed = (folder / "casts.log").read_text().splitlines()
    return {pair: np.array(line.split(), np.int64) for pair, line in zip(pairs, printed, strict=True)}


def _cpp(type_):
    kind = "ap_fixed" if type_.signed else "ap_ufixed"
    return f"{kind}<{type_.width}, {type_.width - type_.fraction}, AP_{type_.rounding}, AP_{type_.saturation}>"


def test_every_mode_equals_ap_fixed(ap_fixed_casts):
    for (source, target), bits in ap_fixed_casts.items():
        codes = np.arange(source.low, source.high + 1)
        ours = cast(codes, source, target) & ((1 << target.width) - 1)
        assert (ours == bits).all(), (str(source), str(target))


@given(st.integers(-(1 << 40), 1 << 40), st.integers(1, 30))
def test_convergent_rounding_is_pythons(code, drop):
    scaled = shifted_right(np.array([code]), drop, "RND_CONV")[0]
    assert scaled == round(code / 2**drop)


@given(st.integers(-1000, 1000), st.integers(0, 2000))
def test_integer_range_is_the_narrowest(low, span):
    type_ = covering(low, low + span)
    assert type_.low <= low
    assert low + span <= type_.high
    if type_.width > 1:
        narrower = FixedType(type_.width - 1, 0, type_.signed)
        assert narrower.low > low or narrower.high < low + span


def test_types_refuse_what_they_are_not():
    with pytest.raises(ConfigurationError, match="RND_UP"):
        FixedType(4, 2, True, "RND_UP")
    with pytest.raises(ConfigurationError, match="CLAMP"):
        FixedType(4, 2, True, "TRN", "CLAMP")
    with pytest.raises(ConfigurationError, match="at least 1 bit"):
        FixedType(0)
