"""The secret that pseudonyms are made with: random, kept beside the warehouse, its owner's alone."""

import hashlib
import os
import secrets
from pathlib import Path

from tracelab.errors import TracelabError

_KEY_BYTES = 32
_BLOCK_BYTES = 64  # of SHA-256


def key_path(db: Path) -> Path:
    """Return where the key of a warehouse lies: beside it, never in a dataset."""
    return db.with_name(f"{db.name}.publish-key")


def publishing_key(db: Path, *, fresh: bool = False) -> bytes:
    """Return the warehouse's key; a new one, for `keep_key`, if it is missing or a fresh one is asked for.

    With the same key an identifier has the same pseudonym in every release, which nobody finds by guessing.

    Raises:
        TracelabError: if others may read it, or it cannot be read.
    """
    path = key_path(db)
    if fresh or not path.exists():
        return secrets.token_bytes(_KEY_BYTES)
    try:
        if path.stat().st_mode & 0o077:
            raise TracelabError(
                f"others may read {path}, and undo pseudonyms with it: chmod 600 it,"
                " or take another with --fresh-key"
            )
        key = _read(path)
    except OSError as error:
        raise TracelabError(f"cannot read the key in {path}: {error.strerror}") from error
    if key is None:
        raise TracelabError(f"{path} holds no key: restore it, or take another with --fresh-key")
    return key


def keep_key(db: Path, key: bytes) -> None:
    """Keep the key that a release was made with; a fresh one takes the place of the other for good.

    Raises:
        TracelabError: if it cannot be written.
    """
    path = key_path(db)
    partial = path.with_name(f".{path.name}.partial")
    try:
        if path.exists() and _read(path) == key:
            return
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key.hex())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise TracelabError(f"cannot keep a key in {path}: {error.strerror}") from error


def hmac_pads(key: bytes) -> tuple[bytes, bytes]:
    """Return what HMAC-SHA-256 hashes before the message, and before the first hash (RFC 2104)."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def _read(path: Path) -> bytes | None:
    try:
        key = bytes.fromhex(path.read_text("ascii"))
    except ValueError:
        return None
    return key if len(key) == _KEY_BYTES else None
