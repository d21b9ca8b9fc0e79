"""The secret that pseudonyms are made with: random, kept beside the warehouse, its owner's alone."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracelab.errors import TracelabError

_KEY_BYTES = 32
_BLOCK_BYTES = 64  # of SHA-256


def key_path(db: Path) -> Path:
    """Return where the key of a warehouse lies: beside it, never in a dataset."""
    return db.with_name(f"{db.name}.publish-key")


@contextmanager
def publishing_key(db: Path, *, fresh: bool = False) -> Iterator[bytes]:
    """Give the warehouse's key, made if it is missing; a fresh one takes its place if all goes well.

    With the same key an identifier has the same pseudonym in every release, which nobody finds by guessing.

    Raises:
        TracelabError: if others may read it, or it cannot be read or written.
    """
    path = key_path(db)
    if not fresh:
        yield _read(path) if path.exists() else _made(path)
        return
    begun = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    key = _made(begun)
    try:
        yield key
        begun.replace(path)  # for good: it breaks the link to earlier releases
    finally:
        begun.unlink(missing_ok=True)


def hmac_pads(key: bytes) -> tuple[bytes, bytes]:
    """Return what HMAC-SHA-256 hashes before the message, and before the first hash (RFC 2104)."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise TracelabError(
                f"others may read {path}, and undo pseudonyms with it: chmod 600 it,"
                " or take another with --fresh-key"
            )
        key = bytes.fromhex(path.read_text("ascii"))
    except OSError as error:
        raise _unkept(path, error) from error
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise TracelabError(f"{path} holds no key: restore it, or take another with --fresh-key")
    return key


def _made(path: Path) -> bytes:
    key = secrets.token_bytes(_KEY_BYTES)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key.hex())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise _unkept(path, error) from error
    return key


def _unkept(path: Path, error: OSError) -> TracelabError:
    return TracelabError(f"cannot keep a key in {path}: {error.strerror}")
