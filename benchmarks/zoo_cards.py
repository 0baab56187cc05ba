"""Write what follows from a card's other fields into the cards of the zoo: use, limits, inputs, terms, protocol.

    python benchmarks/zoo_cards.py [FOLDER]

New checkpoints have all of it from their training; this brings older cards up to it. Trainings of the time when the
best epoch was kept unasked get a command that asks for it. Nothing else on a card changes.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from quantunet_hls.core.files import read_json, write_json
from quantunet_hls.zoo.about import about, repeating
from quantunet_hls.zoo.cards import card_at

_ZOO = Path(__file__).parents[1] / "model_zoo"


def update(path: Path) -> bool:
    """Bring one card up to date; whether anything changed."""
    card, values = card_at(path), read_json(path)
    training = repeating(card.training)
    sentences = about(card.architecture, card.height, card.width, card.data, training)
    changed = values | {"training": training, "about": asdict(sentences)}
    if json.dumps(changed) == json.dumps(values):
        return False
    write_json(path, changed)
    return True


def main() -> None:
    """Update all cards of a folder and say which ones changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=_ZOO)
    for path in sorted(parser.parse_args().folder.glob("*.json")):
        print(f"{'updated' if update(path) else 'as it was'}  {path.name}")


if __name__ == "__main__":
    main()
