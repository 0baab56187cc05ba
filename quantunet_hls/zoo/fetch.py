"""Checkpoints too large for the package, fetched from where their cards say; nothing else goes over a network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from quantunet_hls.core.errors import CheckpointError, ConfigurationError, shown
from quantunet_hls.core.files import sha256_file, writing
from quantunet_hls.zoo.cards import Card, card_at
from quantunet_hls.zoo.folders import card_file, checkpoint_of, fetched_folder

__all__ = ["fetch"]

_SCHEMES = ("https://", "http://")
_SECONDS = 30.0
_CHUNK = 1 << 20


def fetch(name: str, on_bytes: Callable[[int], None] | None = None) -> Path:
    """Bring the checkpoint of an entry of the zoo here, if it isn't.

    Args:
        name: of the entry.
        on_bytes: called with the bytes that are here so far.

    Returns:
        Where it lies.

    Raises:
        UnknownNameError: no entry of that name.
        CheckpointError: its card says no address, the address gives nothing or something else, or another file lies
            in its place.
    """
    card, here = card_at(card_file(name)), checkpoint_of(name)
    if here.exists() and _has(here, card.sha256):
        return here
    if not card.url:
        raise CheckpointError(
            f"The checkpoint of {name} comes with its card, which says no address; install the package anew, or "
            "train it again."
        )
    target = fetched_folder() / f"{name}.pt"
    if here.exists() and here != target:
        raise CheckpointError(f"{here} is not the checkpoint that its card means; delete it, then fetch again.")
    with writing(target) as temporary:
        digest = _receive(card, temporary, target, on_bytes or (lambda count: None))
        if digest != card.sha256:
            raise CheckpointError(
                f"{card.url} does not give the checkpoint that the card of {name} means (its SHA-256 is another); try "
                "again, or update the package."
            )
    return target


def _has(path: Path, sha256: str) -> bool:
    try:
        return sha256_file(path) == sha256
    except ConfigurationError:
        return False


def _receive(card: Card, path: Path, target: Path, on_bytes: Callable[[int], None]) -> str:
    """Write what the card's address gives; returns its SHA-256."""
    if not card.url.lower().startswith(_SCHEMES):
        raise CheckpointError(
            f"The card of {card.name} has the address {shown(card.url)}, which is none of {' and '.join(_SCHEMES)}; "
            f"put the checkpoint at {target} yourself."
        )
    digest, count = hashlib.sha256(), 0
    try:
        with urlopen(card.url, timeout=_SECONDS) as answer, path.open("wb") as stream:  # noqa: S310 (see above)
            while chunk := answer.read(_CHUNK):
                count += len(chunk)
                if count > card.most_bytes:
                    raise CheckpointError(
                        f"{card.url} gives more than the {card.most_bytes:,} bytes that the network on the card of "
                        f"{card.name} can have; update the package."
                    )
                digest.update(chunk)
                stream.write(chunk)
                on_bytes(count)
    except (URLError, HTTPException, TimeoutError, ConnectionError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise CheckpointError(
            f"{card.url} gives no checkpoint ({reason}); fetch it where there is a network, and put it at {target}."
        ) from error
    return digest.hexdigest()
