"""Fresh folders to work in, under names that any tool can take; gone afterwards, after a kill at the latest.

make, shells and Tcl read spaces, quotes, ``$`` and newlines in a path as something else. So tools work in a folder
whose whole path has none of these, and what they made is moved to its place when it is whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from quantunet_hls.core.errors import QuantUNetError

__all__ = ["clear", "is_plain", "keep", "workshop"]

_PREFIX = "quantunet-"
#: What every half-made file or folder of this package ends in.
_SUFFIX = ".part"

#: Paths that no tool reads as anything but a path.
_PLAIN = re.compile(r"(/[A-Za-z0-9_.+][A-Za-z0-9_.+-]*)+/?")

#: Where else there may be room, should the folder for temporary files have an odd name.
_OTHER_ROOTS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - what is made there is ours alone


def is_plain(path: Path) -> bool:
    """Whether a path, links in it resolved, has letters, digits, ``_``, ``.``, ``+`` and ``-`` only."""
    return bool(_PLAIN.fullmatch(str(path.resolve())))


@contextlib.contextmanager
def workshop(beside: Path | None = None) -> Iterator[Path]:
    """A fresh folder with a plain path, removed at the end of the block.

    What a killed process left of its own is removed on the way: a folder is in use as long as somebody holds the
    lock on it, which the kernel lets go with the process.

    Args:
        beside: folder to make it in, so that what was made can be renamed into its place; where its own path is
            odd, or None, the new one is among the temporary files.

    Raises:
        QuantUNetError: there is no such place, or no room.
    """
    folder, held = _made(beside)
    try:
        yield folder
    finally:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(held)


def _made(beside: Path | None) -> tuple[Path, int]:
    root = beside or Path(tempfile.gettempdir())
    try:
        if beside is not None:
            beside.mkdir(parents=True, exist_ok=True)
        if not is_plain(root):
            root = next((other for other in map(Path, (tempfile.gettempdir(), *_OTHER_ROOTS))
                         if is_plain(other) and os.access(other, os.W_OK)), root)
        if not is_plain(root):
            raise QuantUNetError(f"{str(root)!r} is no folder that all tools can work in; set TMPDIR to one whose path "
                                 "has letters, digits, '_', '.' and '-' only.")
        root = root.resolve()
        clear(root, f"{_PREFIX}*{_SUFFIX}")
        while True:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_SUFFIX, dir=root))
            # Before it is open and locked, another process may take it for a dead one's.
            try:
                held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            except FileNotFoundError:
                continue
            _lock(held)
            if folder.exists():
                return folder, held
            os.close(held)
    except OSError as error:
        raise QuantUNetError(f"{str(error.filename or root)!r} can't be used as a place for temporary files "
                             f"({error.strerror or error}); free some space or set TMPDIR.") from error


def keep(made: Path, path: Path) -> None:
    """Put a file from a workshop in its place, whole or not at all, with its permissions.

    Raises:
        QuantUNetError: where the file system refuses.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}{_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            made.rename(part)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.copy(made, part)
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        raise QuantUNetError(f"{path} can't be written ({error.strerror or error}); free some space or name another "
                             "folder.") from error
    finally:
        part.unlink(missing_ok=True)


def clear(root: Path, pattern: str = f"*{_SUFFIX}") -> None:
    """Remove what killed processes left half-made in a folder; what is locked, or another user's, stays."""
    for path in root.glob(pattern):
        with contextlib.suppress(OSError):
            if path.is_symlink() or path.lstat().st_uid != os.getuid():
                continue
            if not path.is_dir():
                path.unlink()
                continue
            held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if _lock(held):
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(held)


def _lock(descriptor: int) -> bool:
    """Whether the lock could be had; where a file system has none, nothing is taken for left behind."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
