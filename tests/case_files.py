"""Small files with what users of neighbouring tools reported, where they are here."""

import os
from pathlib import Path

import pytest

_FOLDER = Path(os.environ.get("QUANTUNET_HLS_DATA", Path(__file__).parents[2] / "shared" / "data")).parent / "cases"


def case_file(name: str) -> Path:
    """One of them; the test is skipped where it is not here."""
    file = _FOLDER / f"{name}.onnx"
    if not file.exists():
        pytest.skip(f"{file} is not here")
    return file
