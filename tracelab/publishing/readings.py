"""Texts as they may hide: in base64, hex, escapes, packed bytes or look-alike letters, one in another."""

import base64
import binascii
import bz2
import html
import lzma
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from urllib.parse import unquote

_DEPTH = 4
_READINGS = 64
_UNPACKED_BYTES = 64 << 20
_LONG_CHARS = 100
_PACKED = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]?){8,}")
_ESCAPE = re.compile(
    r"\\(?:u([\da-fA-F]{4})|u\{([\da-fA-F]{1,6})\}|x([\da-fA-F]{2})|(.))", re.ASCII | re.DOTALL
)
_LOOK_ALIKES = str.maketrans("аеорсухіјԁѕһԛѡАВЕКМНОРСТХοαενρτ", "aeopcyxijdshqwABEKMHOPCTXoaevpt")
_UNPACKERS: tuple[tuple[bytes, Callable[[], object]], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(zlib.MAX_WBITS | 16)),
    (b"\x78", zlib.decompressobj),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ", lzma.LZMADecompressor),
)


def readings(text: str) -> Iterator[str]:
    """Give a text as it is and as it may be read: up to four codes deep, and so many of them."""
    yield from islice(_all(text), _READINGS)


def _all(text: str) -> Iterator[str]:
    seen, level = {text}, [text]
    yield text
    for _ in range(_DEPTH):
        below = [reading for each in level for reading in _decoded(each) if reading]
        level = [reading for reading in dict.fromkeys(below) if reading not in seen]
        seen.update(level)
        yield from level


def _decoded(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKC", text).translate(_LOOK_ALIKES)
    yield "".join(letter for letter in plain if unicodedata.category(letter) not in ("Cf", "Mn"))
    yield unquote(text)
    yield html.unescape(text)
    yield _ESCAPE.sub(_unescaped, text)
    for match in _PACKED.finditer(text):
        packed = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        with suppress(binascii.Error, ValueError):
            yield from _as_text(base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True))
    for match in _HEX.finditer(text):
        with suppress(ValueError):
            yield from _as_text(bytes.fromhex(match[0].replace(":", " ")))


def _unescaped(match: re.Match[str]) -> str:
    number = match[1] or match[2] or match[3]
    if number is None:
        return {"n": "\n", "t": "\t", "r": "\r"}.get(match[4], match[4])
    return chr(code) if (code := int(number, 16)) < 0x110000 else match[0]


def _as_text(data: bytes) -> Iterator[str]:
    for magic, unpacker in _UNPACKERS:
        if data.startswith(magic):
            with suppress(zlib.error, OSError, EOFError, lzma.LZMAError):
                data = unpacker().decompress(data, _UNPACKED_BYTES)  # type: ignore[attr-defined]
    for code in ("utf-8", "utf-16"):
        with suppress(UnicodeError):
            text = data.decode(code)
            if text.isprintable() or len(text) > _LONG_CHARS:
                yield text
                return
