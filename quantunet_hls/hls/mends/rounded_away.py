"""C-simulation ends where a value of fewer bits is rounded away than are dropped (``ap_fixed_base.h``; no issue known).

The header of the fixed-point types that hls4ml 1.3.0 ships looks at the bit behind the point before it asks whether
the value has one, and an assertion in it ends the program: a value of one bit with three behind the point, say, that is
rounded to whole numbers. What it reads there it does not use. Projects get the same header with the question first;
Vitis HLS has one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import hls4ml
from hls4ml.backends import get_backend

__all__ = ["HEADER", "applied"]

HEADER = Path(hls4ml.__file__).parent / "templates" / "vivado" / "ap_types" / "ap_fixed_base.h"
_DESTINATION = f"ap_types/{HEADER.name}"

_GIVEN = "bool qbit = _AP_ROOT_op_get_bit(op.V, F2 - _AP_F - 1);"
_MENDED = "bool qbit = F2 - _AP_F <= _AP_W2 && (bool)_AP_ROOT_op_get_bit(op.V, F2 - _AP_F - 1);"


@contextmanager
def applied(backend: str) -> Iterator[None]:
    """Projects written for this backend get the mended header."""
    sources = get_backend(backend).custom_source
    with TemporaryDirectory() as folder:
        mended = Path(folder) / HEADER.name
        mended.write_text(HEADER.read_text().replace(_GIVEN, _MENDED))
        sources[_DESTINATION] = mended
        try:
            yield
        finally:
            del sources[_DESTINATION]
