"""Fuzz the reading of cards: ``python -m tests.fuzz.cards -max_total_time=600``."""

import atheris

with atheris.instrument_imports(include=["quantunet_hls", "json"]):
    from quantunet_hls import zoo
    from tests.fuzz.target import run

if __name__ == "__main__":
    run(zoo.card_at, "cards", ".json")
