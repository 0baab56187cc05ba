"""Folders that are the package's own: marked as such, led nowhere else by links, and worked in by one run at a time.

What is not marked is somebody else's, and is left as it is.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import SoftFileLease, Timeout

from quantunet_hls.core.errors import ConfigurationError, QuantUNetError, StepError
from quantunet_hls.core.files import read_json, write_json
from quantunet_hls.core.workshop import clear

__all__ = ["check_writable", "claim", "exclusively", "is_claimed", "one_writer", "refuse_foreign_file"]

#: The file that says whose a folder is.
MARKER = ".quantunet-hls.json"

#: Held by the run that works in a folder.
_LEASE = ".running"

#: Seconds without a sign of life after which a run on another machine counts as dead.
_LEASE_S = 60.0
#: Seconds between two signs of life.
_HEARTBEAT_S = 2.0
#: Seconds in which the lock library finds out whether a process of this machine lives.
_LOCAL_S = 0.5


def claim(folder: Path, kind: str, *, earlier: Callable[[Path], bool] = lambda folder: False) -> None:
    """Make a folder ours, or find that it is.

    Args:
        folder: made where it is absent.
        kind: of what is kept there, such as "design"; a folder has one kind.
        earlier: whether a folder without a marker is one that an earlier version of this package made; may raise
            one of our errors where it is not.

    Raises:
        ConfigurationError: it holds somebody else's files, or what another kind left, or is or holds a link.
        QuantUNetError: where the file system refuses.
    """
    try:
        if folder.is_symlink():
            raise ConfigurationError(f"{folder} is a symbolic link, and what it leads to may be somebody else's; "
                                     "remove it or choose another name.")
        fresh = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        marker = folder / MARKER
        if is_claimed(folder):
            found = read_json(marker)
            if not isinstance(found, dict) or found.get("kind") != kind:
                raise ConfigurationError(f"{folder} is no folder of a {kind} of quantunet-hls, as {marker.name} in it "
                                         "says; choose another name.")
        else:
            held = {path.name for path in folder.iterdir()} - {MARKER, _LEASE}
            if held and not _holds(lambda: earlier(folder)):
                raise ConfigurationError(f"{folder} holds files that are not quantunet-hls's, such as {min(held)!r}; "
                                         "choose another name or move them elsewhere.")
            _mark(marker, kind, fresh=fresh)
        _refuse_links(folder)
    except OSError as error:
        raise _refused(folder, error) from error


def _mark(marker: Path, kind: str, *, fresh: bool) -> None:
    try:
        write_json(marker, {"made_by": "quantunet-hls", "kind": kind})
    except QuantUNetError:
        if fresh:
            with contextlib.suppress(OSError):
                marker.parent.rmdir()
        raise


def _refuse_links(folder: Path) -> None:
    """What is written under a link's name would go to where it leads; a vendor's tools may make some below theirs."""
    for place, folders, files in os.walk(folder, onerror=_raise):
        for name in (*folders, *files):
            if os.path.islink(os.path.join(place, name)):  # noqa: PTH114, PTH118 - thousands of files
                raise ConfigurationError(f"{Path(place, name)} is a symbolic link, and what it leads to may be "
                                         "somebody else's; remove it.")
        # What a killed run left half-made has links of ours, and is cleared away, not written to.
        folders[:] = [name for name in folders if not name.endswith((".part", "_prj"))]


def _raise(error: OSError) -> None:
    raise error


def _refused(folder: Path, error: OSError) -> QuantUNetError:
    return QuantUNetError(f"{error.filename or folder} can't be read or written ({error.strerror or error}); "
                          "free some space or name another folder.")


def is_claimed(folder: Path) -> bool:
    """Whether a folder bears our mark."""
    marker = folder / MARKER
    return marker.is_file() and not marker.is_symlink()


def _holds(question: Callable[[], object]) -> bool:
    try:
        return bool(question())
    except (QuantUNetError, OSError):
        return False


def refuse_foreign_file(path: Path, what: str, is_ours: Callable[[Path], object]) -> None:
    """Leave a file alone that is not ours, before the work begins that would end in overwriting it.

    Args:
        path: file that is to be written, which need not be there.
        what: it is to become, for the sentence.
        is_ours: reads it; raises one of our errors, or gives nothing, where it is something else.

    Raises:
        ConfigurationError: something else lies there.
        QuantUNetError: there is no folder for it, and none can be made.
    """
    if not os.path.lexists(path):
        place = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
        if not place.is_dir():
            raise QuantUNetError(f"{path} can't be written ({place} is no folder); name another folder.")
        if not os.access(place, os.W_OK | os.X_OK):
            raise QuantUNetError(f"{path} can't be written (nothing can be made in {place}); name another folder.")
        return
    if not _holds(lambda: not path.is_symlink() and path.is_file() and is_ours(path)):
        raise ConfigurationError(f"{path} is no {what} of quantunet-hls and would be overwritten; move it or choose "
                                 "another name.")


@contextlib.contextmanager
def exclusively(folder: Path) -> Iterator[Callable[[], None]]:
    """Keeps a second run out of a folder while this one works in it, and clears away what a killed one left half-made.

    The lock is a file that is made or found, renewed every few seconds by its holder. The kernel's own locks are
    not enough: over NFS they hold only where server and mount options agree, over other network file systems between
    processes of one machine at best, while that only one can make a file holds on all of them. A run that was killed
    leaves the file behind. Its machine sees at once that the process is gone (by number, start time and boot);
    others, when it has not been renewed for a minute.

    Yields:
        a function that raises :class:`StepError` when the lock was lost, for this machine slept too long.

    Raises:
        StepError: another run is at work there.
        QuantUNetError: where the file system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lease = SoftFileLease(folder / _LEASE, lease_duration=_LEASE_S, heartbeat_interval=_HEARTBEAT_S)
        _acquire(lease, folder)
    except OSError as error:
        raise _refused(folder, error) from error

    def check() -> None:
        if lease.compromise is not None:
            raise StepError(f"Another run has begun in {folder}, for this one did not move for more than "
                            f"{_LEASE_S:g} s; wait for it, then start again.")

    try:
        _clear(folder)
        yield check
    finally:
        with contextlib.suppress(OSError):
            lease.release()


@contextlib.contextmanager
def one_writer(path: Path) -> Iterator[None]:
    """Waits until nobody else writes a file that several runs share, and keeps the others waiting.

    Raises:
        StepError: somebody has been writing it for longer than that takes.
        QuantUNetError: where the file system refuses.
    """
    lease = SoftFileLease(path.with_name(f"{path.name}.lock"), lease_duration=_LEASE_S, heartbeat_interval=_HEARTBEAT_S)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lease.acquire(timeout=2 * _LEASE_S, poll_interval=0.05)
    except Timeout as error:
        raise StepError(f"{path} is being written by another run; try again later.") from error
    except OSError as error:
        raise _refused(path, error) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lease.release()


def _acquire(lease: SoftFileLease, folder: Path) -> None:
    """Take the lease where its holder shows no sign of life for as long as it promised to.

    Raises:
        StepError: it does show one.
    """
    end, first = time.monotonic() + 2 * _LEASE_S, None
    while True:
        with contextlib.suppress(Timeout):
            lease.acquire(timeout=_LOCAL_S, poll_interval=0.1)
            return
        seen = _sign_of_life(Path(lease.lock_file))
        first = first or seen
        if (seen is not None and seen != first) or time.monotonic() > end:
            raise StepError(f"Another run is at work in {folder}; wait for it or choose another name.")


def _sign_of_life(marker: Path) -> tuple[int, int] | None:
    """File number and time of the last renewal; opened first, for only then does NFS ask the server."""
    try:
        descriptor = os.open(marker, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        return found.st_ino, found.st_mtime_ns
    finally:
        os.close(descriptor)


def _clear(folder: Path) -> None:
    """Remove half-made files and folders, wherever in the folder they are."""
    for place, folders, files in os.walk(folder):
        if any(name.endswith(".part") for name in (*folders, *files)):
            clear(Path(place))
        folders[:] = [name for name in folders if not name.endswith((".part", "_prj"))]


def check_writable(folder: Path) -> None:
    """Whether a folder is there, or can be made, and takes files.

    Raises:
        ConfigurationError: it can't be written to.
    """
    there = next((place for place in (folder, *folder.absolute().parents) if os.path.lexists(place)), folder)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigurationError(f"{folder} can't be written to, for {there} is no folder that takes files of yours; "
                                 "name another one.")
