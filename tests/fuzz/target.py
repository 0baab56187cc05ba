"""What the fuzzers share: bytes go into a file, the file into a reader, and only our own errors may come out."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

from quantunet_hls.errors import QuantUNetError

SEEDS = Path(__file__).parent / "seeds"
_LONGEST_MESSAGE = 1500


def run(read: Callable[[Path], object], seeds: str, suffix: str) -> None:
    """Fuzz a reader with the arguments of the command line, which are libFuzzer's, from committed seeds on."""
    with tempfile.TemporaryDirectory() as folder:
        path, corpus = Path(folder) / f"input{suffix}", Path(folder) / "corpus"
        corpus.mkdir()

        def one(data: bytes) -> None:
            path.write_bytes(data)
            refusal = "none"
            try:
                read(path)
            except QuantUNetError as error:
                refusal = str(error)
            assert 0 < len(refusal) < _LONGEST_MESSAGE, "a refusal says nothing or too much"
            assert "\n" not in refusal, "a refusal is more than a sentence"

        os.environ.setdefault("XDG_DATA_HOME", folder)
        # What is found on the way goes to the first folder, and the seeds stay as they are.
        atheris.Setup([*sys.argv, str(corpus), str(SEEDS / seeds)], one)
        atheris.Fuzz()
