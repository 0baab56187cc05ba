"""Fuzz the reading of recipes and grids: ``python -m tests.fuzz.recipes_and_grids -max_total_time=600``."""

from pathlib import Path

import atheris

with atheris.instrument_imports(include=["quantunet_hls", "yaml"]):
    from quantunet_hls.errors import QuantUNetError
    from quantunet_hls.sweep.grid import read_grid
    from quantunet_hls.training import recipes
    from tests.fuzz.target import run


def read(path: Path) -> None:
    """As both, for a file does not say what it is meant to be."""
    try:
        recipe = recipes.load(str(path))
        recipe.network()
        recipe.settings()
    except QuantUNetError:
        read_grid(path, {}).jobs(path.parent, path.parent)


if __name__ == "__main__":
    run(read, "yaml", ".yaml")
