"""Coverage-guided fuzzing of one format with atheris (the extra ``fuzz``); the scripts beside this call it.

    python -m tests.fuzz.fuzz_onnx -max_total_time=600

Arguments are libFuzzer's; without a folder among them, the sound files in ``seeds`` are what it starts from. It ends at
the first input that the package answers with anything but a sentence, which it leaves in a file.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path

import atheris

__all__ = ["fuzz"]


def fuzz(kind: str) -> None:
    """Fuzz a format of :data:`tests.fuzz.targets.TARGETS` until libFuzzer's arguments say that it is enough."""
    with atheris.instrument_imports(include=["quantunet_hls", "yaml"]):
        from tests.fuzz import mutate, targets
    change = mutate.onnx_changed if kind == "onnx" else mutate.json_changed
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"hostile.{kind if kind in ('onnx', 'yaml') else 'json'}"

        def one(content: bytes) -> None:
            path.write_bytes(content)
            targets.answer(kind, path)

        def changed(content: bytes, most: int, seed: int) -> bytes:
            source = random.Random(seed)
            try:
                made = (change if source.random() < 0.8 else mutate.bytes_changed)(content, source)
            except Exception:  # what was made before need be no file of the format any more
                made = atheris.Mutate(content, most)
            return made[:most]

        corpus = Path(folder) / "corpus"
        shutil.copytree(Path(__file__).parent / "seeds" / kind, corpus)
        arguments = sys.argv if any(not text.startswith("-") for text in sys.argv[1:]) else [*sys.argv, str(corpus)]
        atheris.Setup([*arguments, "-max_len=65536", "-rss_limit_mb=2048", "-timeout=20"], one, custom_mutator=changed)
        atheris.Fuzz()
