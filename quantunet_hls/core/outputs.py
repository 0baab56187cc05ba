"""Files that a user names to be written: none of those that are read, and none that somebody else has written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from quantunet_hls.core.errors import ConfigurationError

__all__ = ["check_outputs"]

#: Bytes of an existing file that tell whose it is.
_HEAD = 8192


def check_outputs(outputs: Iterable[tuple[Path, Callable[[str], bool]]], inputs: Iterable[Path]) -> None:
    """Refuse what would overwrite an input or a foreign file, before anything is written.

    Args:
        outputs: each path with a function that says of the begin of an existing file whether it was written by
            what is to write it now.
        inputs: files that are read; of folders, the files that are.

    Raises:
        ConfigurationError: an output that is one of the inputs (by any name: links are followed), no regular file,
            another's, or named twice.
    """
    read = [path for path in inputs if path.exists()]
    seen: list[Path] = []
    for path, ours in outputs:
        if any(_same(path, other) for other in seen):
            raise ConfigurationError(f"{path} is to be written twice; name different files.")
        seen.append(path)
        if any(_same(path, other) for other in read):
            raise ConfigurationError(f"{path} is one of the files that are read; name another one to write to.")
        try:
            if not path.exists() and not path.is_symlink():
                continue
            if not path.is_file():
                raise ConfigurationError(f"{path} is there and is no regular file; name a file to write to.")
            with path.open("rb") as stream:
                head = stream.read(_HEAD)
        except OSError as error:
            raise ConfigurationError(f"{path} can't be written ({error.strerror}); name another file.") from error
        if head and not ours(head.decode("utf-8", "replace")):
            raise ConfigurationError(
                f"{path} is there and was not written by this command; remove it, or name another file.")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one.absolute() == other.absolute()
