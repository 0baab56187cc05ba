"""The C++ types themselves, as hls4ml ships them, asked what an assignment gives."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import hls4ml
import numpy as np

from quantunet_hls.types.fixed import FixedType

_HEADERS = Path(hls4ml.__file__).parent / "templates" / "vivado" / "ap_types"

_PROGRAM = """\
#include "ap_fixed.h"
#include <cstdio>
template <class S, class T> void codes(long low, long high, double step, double inverse) {{
    for (long code = low; code <= high; code++) {{
        S source = code * step;
        T target = source;
        printf("%ld ", (long)(target.to_double() * inverse));
    }}
    printf("\\n");
}}
template <class T> void reals(double inverse) {{
    const double values[] = {{{reals}}};
    for (double value : values) {{
        T target = value;
        printf("%ld ", (long)(target.to_double() * inverse));
    }}
    printf("\\n");
}}
int main() {{
{calls}
    return 0;
}}
"""


def spelled(type_: FixedType) -> str:
    kind = "ap_fixed" if type_.signed else "ap_ufixed"
    return (f"{kind}<{type_.width}, {type_.width - type_.fraction}, AP_{type_.rounding}, AP_{type_.saturation}>")


def assigned(folder: Path, pairs: Sequence[tuple[FixedType, FixedType]], ports: Sequence[FixedType],
             reals: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """For each pair all codes of the first type as codes of the second; for each port the numbers' codes."""
    calls = [f"    codes<{spelled(source)}, {spelled(target)}>({source.low}, {source.high}, {source.step!r}, "
             f"{1 / target.step!r});" for source, target in pairs]
    calls += [f"    reals<{spelled(port)}>({1 / port.step!r});" for port in ports]
    numbers = ", ".join(float(value).hex() for value in reals)
    (folder / "assign.cpp").write_text(_PROGRAM.format(calls="\n".join(calls), reals=numbers))
    subprocess.run(["g++", "-std=c++17", "-O0", "-w", f"-I{_HEADERS}", "assign.cpp", "-o", "assign"],  # noqa: S607
                   cwd=folder, check=True, timeout=600)
    lines = subprocess.run(["./assign"], cwd=folder, check=True, capture_output=True, text=True,
                           timeout=60).stdout.splitlines()
    rows = [np.array(line.split(), dtype=np.int64) for line in lines]
    return rows[: len(pairs)], rows[len(pairs):]
