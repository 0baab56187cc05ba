"""Where HLS tools leave their reports: a project's folder, searched for the folders of its solutions.

Vivado HLS and Vitis HLS write ``<project>/<solution>/syn/report``, ``v++`` writes
``<build>/xo/.../solution/syn/report``, and the unified Vitis ``<component>/<work>/hls/syn/report``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from quantunet_hls.core.errors import ConfigurationError

__all__ = ["find_solutions"]

#: How far below the folder named a report may stand, and how many folders are looked into for one.
_DEPTH = 10
_MOST_FOLDERS = 20_000


def find_solutions(folder: Path) -> tuple[Path, ...]:
    """Folders that hold reports of C-synthesis or co-simulation, sorted; the folder itself where it is one.

    Where the reports' own folder was named, that is what is found. Links and
    hidden folders are not followed.

    Raises:
        ConfigurationError: a folder with too many others in it to be a project's.
    """
    return tuple(sorted(_solutions(Path(folder))))


def _solutions(folder: Path) -> Iterator[Path]:
    for seen, (name, inside, files) in enumerate(os.walk(folder)):
        path = Path(name)
        if seen >= _MOST_FOLDERS:
            raise ConfigurationError(f"{folder} has more than {_MOST_FOLDERS:,} folders in it; "
                                     "name the folder of the project itself.")
        if _reports(files) or any(_reports(_names(path / part / "report")) for part in ("syn", "sim")):
            yield path
            inside.clear()
        elif len(path.relative_to(folder).parts) >= _DEPTH:
            inside.clear()
        inside[:] = sorted(each for each in inside if not each.startswith("."))


def _names(folder: Path) -> Sequence[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else ()


def _reports(names: Sequence[str]) -> bool:
    return any(name == "csynth.xml" or name.endswith(("_csynth.xml", "_cosim.rpt")) for name in names)
