"""Files at the edge of the package: written whole or not at all, hashed, safely named."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quantunet_hls.errors import ConfigurationError, QuantUNetError

__all__ = ["check_name", "read_bytes", "read_json", "sha256_file", "sha256_json", "write_json", "write_text", "writing"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    Raises:
        QuantUNetError: where the file system refuses (full disk, no permission); nothing is left behind.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
    except OSError as error:
        raise _cannot_write(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; what we leave behind is as readable as any other file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _cannot_write(path: Path, error: OSError) -> QuantUNetError:
    return QuantUNetError(
        f"{path} can't be written ({error.strerror or error}); free some space or name another folder."
    )


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all (UTF-8)."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all, keys in the order they have."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most ``limit`` bytes.

    A pipe or a device is refused without waiting for it, and nothing larger than the limit is held in memory.

    Raises:
        ConfigurationError: where it is absent, unreadable, too large or no regular file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} can't be read ({getattr(error, 'strerror', None) or error}); check the path."
                                 ) from error
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ConfigurationError(f"{path} is no regular file; name a file.")
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise ConfigurationError(f"{path} has more than {limit:,} bytes, which no such file has; name another.")
    return content


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        ConfigurationError: where the file is absent, unreadable or no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} can't be read as JSON ({error}); check the path and the file.") from error


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """Hex SHA-256 of a plain value, the same whatever order its keys came in."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


def check_name(kind: str, name: str) -> str:
    """The name itself, if it may stand in a path, in Tcl, in C++ and in Verilog.

    Raises:
        ConfigurationError: for anything but a letter followed by at most 62 letters, digits and underscores.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} can't be the name of a {kind}; use a letter followed by letters, digits and underscores."
        )
    return name
