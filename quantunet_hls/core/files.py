"""Files at the edge of the package: read within limits, written whole or not at all, hashed, safely named."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import msgspec

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError

__all__ = ["JSON_BYTES", "TOOL_BYTES", "check_name", "open_regular", "read_bytes", "read_json", "sha256_file",
           "sha256_json", "write_json", "write_text", "writing"]

#: Most bytes of a JSON file that people write or pass on; parsed, it may take thirty times as much.
JSON_BYTES = 16 << 20
#: Most bytes of what a tool that we run writes, such as a netlist.
TOOL_BYTES = 4 << 30

_KINDS = ((stat.S_ISDIR, "it is a folder"), (stat.S_ISFIFO, "it is a named pipe"), (stat.S_ISSOCK, "it is a socket"),
          (stat.S_ISCHR, "it is a device"), (stat.S_ISBLK, "it is a device"))

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    What is no file, such as ``/dev/stdout``, stays what it is, and gets the contents.

    Raises:
        QuantUNetError: where the file system refuses (full disk, no permission); nothing is left behind.
    """
    path = Path(path)
    if _is_device(path):
        with _writing_to_device(path) as temporary:
            yield temporary
        return
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


def _is_device(path: Path) -> bool:
    try:
        return not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode)
    except OSError:
        return False


@contextmanager
def _writing_to_device(path: Path) -> Iterator[Path]:
    try:
        with tempfile.TemporaryDirectory(prefix="quantunet-") as folder:
            temporary = Path(folder) / "content"
            temporary.touch()
            yield temporary
            with temporary.open("rb") as content, path.open("wb") as device:
                shutil.copyfileobj(content, device)
    except OSError as error:
        raise _cannot_write(path, error) from error


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


def open_regular(
    path: Path, most: int | None = None, *, what: str = "a file", error: type[QuantUNetError] = ConfigurationError
) -> BufferedReader:
    """A regular file, open for reading bytes; whoever waits for a pipe or reads a device for ever is spared.

    Args:
        path: of the file; a link is followed.
        most: bytes that it may have; any number where it is None.
        what: it is read as, for the message.
        error: to raise; a class that takes one sentence.

    Raises:
        QuantUNetError: as ``error``, where it is absent, unreadable, no regular file, or larger.
    """
    path = Path(path)
    try:
        # Opening some devices does something; without a writer, opening a pipe waits.
        _check_regular(path.stat(), most)
        stream = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 (it is the caller's)
        try:
            _check_regular(os.fstat(stream.fileno()), most)
        except BaseException:
            stream.close()
            raise
    except FileNotFoundError as failure:
        raise error(f"{path} does not exist, so it can't be read as {what}; check the path.") from failure
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or str(failure)
        raise error(f"{path} can't be read as {what} ({reason}); check the path and the file.") from failure
    return stream


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _check_regular(status: os.stat_result, most: int | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(next((kind for test, kind in _KINDS if test(status.st_mode)), "it is no regular file"))
    if most is not None and status.st_size > most:
        raise ValueError(f"it has {status.st_size:,} bytes, and {most:,} are the limit")


def read_bytes(
    path: Path, most: int, *, what: str = "a file", error: type[QuantUNetError] = ConfigurationError
) -> bytes:
    """All bytes of a regular file that has at most so many; arguments and errors as for :func:`open_regular`."""
    with open_regular(path, most, what=what, error=error) as stream:
        try:
            # Files of the kernel say that they are empty, and others may grow meanwhile.
            content = stream.read(most + 1)
        except OSError as failure:
            raise error(
                f"{path} can't be read as {what} ({failure.strerror or failure}); check the path and the file."
            ) from failure
    if len(content) > most:
        raise error(f"{path} can't be read as {what} (it has more than {most:,} bytes); check the path and the file.")
    return content


def read_json(
    path: Path, most: int = JSON_BYTES, *, what: str = "JSON", error: type[QuantUNetError] = ConfigurationError
) -> Any:
    """Read JSON; whatever is no JSON by the standard, such as NaN, is none here.

    Args:
        path: of the file.
        most: bytes that it may have.
        what: it is read as, for the message.
        error: to raise; a class that takes one sentence.

    Raises:
        QuantUNetError: as ``error``, where the file is absent, unreadable, no regular file, too large or no JSON.
    """
    content = read_bytes(path, most, what=what, error=error)
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as failure:
        raise error(f"{path} can't be read as {what} ({failure}); check the path and the file.") from failure


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a regular file's bytes.

    Raises:
        ConfigurationError: where it is absent, unreadable or no regular file.
    """
    with open_regular(path) as stream:
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
