"""Bytes of a log, plain or packed, as physical lines: streamed and hashed, a stretch of lines at a time.

A damaged or truncated log gives the lines before the damage and says so in `fault`; nothing is raised. How a
file is packed is told by its first bytes, not by its name.
"""

import errno
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Protocol

import zstandard

from tracelab.providers.base import Stretch, Tally

MAX_LINE_BYTES = 52 << 20
"""A longer line is set aside unread: real ones reach a few MB, and decoding holds a line several times."""
MAX_EXPANSION = 1000
"""A packed file that grows more than this many times is no log (real ones grow about 11 times)."""

MAX_VALUES = 500_000
"""A long line with more JSON values is set aside unread: decoded, each takes hundreds of bytes."""

MAX_HELD_BYTES = 256 << 20
"""A log of which its reader must keep more ends there: what is known of a step stays until its file ends."""
GROWTH = 128
"""At most so many bytes does a byte of a log add to what is kept of it."""

_LINE_COST = 4  # memory of a line while it is read, in its bytes
_ASKED_BYTES = 64 << 10
"""What is kept is asked for before the lines that end in another part of this size: asking takes its time."""
_TOO_LONG = f"longer than {MAX_LINE_BYTES >> 20} MiB"
_TOO_MUCH = f"what is to be kept of it takes more than {MAX_HELD_BYTES >> 20} MiB of memory"
_LONG_BYTES = 1 << 20  # shorter lines cannot hold enough values to matter
_BLOCK_BYTES = 256 << 10
_HASHED_BYTES = 1 << 20
_UNJUDGED_BYTES = 64 << 20  # below this no expansion is too much
# What goes in at once comes out in one piece, so little may go in: gzip expands 1,032-fold, zstd 32,768-fold.
_GZIP_INPUT_BYTES = 16 << 10
_ZSTD_INPUT_BYTES = 1 << 10
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class _DamagedError(Exception):
    """The packed bytes cannot be read on; the message says why."""


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class ByteSource(Protocol):
    """What lines are read from: an unbuffered file, or what gives bytes like one."""

    def read(self, size: int, /) -> bytes: ...
    def seek(self, position: int, /) -> int: ...
    def tell(self) -> int: ...


class Lines:
    """The physical lines of one open log, in stretches: iterate once, then ask what was read.

    A line above `MAX_LINE_BYTES` is noted in the tally as a bad line and passed over.
    """

    def __init__(self, file: ByteSource, tally: Tally) -> None:
        self.count = 0
        """Physical lines, a last one without newline included."""
        self.consumed_bytes = 0
        """Unpacked bytes of all lines but a torn last one (handed out, and nothing asked for after it)."""
        self.fault: str | None = None
        """Why reading ended before the file did; never content."""
        self.between_blocks: Callable[[], object] = lambda: None
        """Called every 256 KiB: time to move on what the tally has gathered."""
        self.at_end: Callable[[], object] = lambda: None
        """Called where a plain log was read without fault, before what stands after its last whole line."""
        self.held_bytes: Callable[[], int] = lambda: 0
        """Told by the reader: the memory of what it keeps of the log until it ends."""
        self.source = file
        """What is read."""
        self._tally = tally
        self._hash = hashlib.sha256()
        self._dropped_bytes = 0  # of the current line, being too long
        self._is_plain = False
        self._room = 0  # what more may be kept, as of the last asking, less what lines may have added since

    def skip(self, consumed_bytes: int, consumed_sha256: str, count: int) -> bool:
        """Pass over whole lines of a plain log that were read before; say whether they are as they were."""
        digest, rest = hashlib.sha256(), consumed_bytes
        while rest and (block := self.source.read(min(rest, _HASHED_BYTES))):
            digest.update(block)
            rest -= len(block)
        if rest or digest.hexdigest() != consumed_sha256:
            return False
        self._hash, self.consumed_bytes, self.count, self._is_plain = digest, consumed_bytes, count, True
        return True

    @property
    def consumed_sha256(self) -> str:
        """SHA-256 of the consumed bytes, hex."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[Stretch]:
        carry: list[bytes | memoryview] = []
        carry_bytes = 0
        for block in self._blocks():
            self.between_blocks()
            end = block.rfind(b"\n") + 1
            if end:
                carry.append(memoryview(block)[:end])
                yield from self._complete(carry)
                if self.fault:
                    return
                carry, carry_bytes = [], 0
            carry.append(block[end:])
            carry_bytes += len(block) - end
            if carry_bytes > MAX_LINE_BYTES:
                self._drop(carry)
                carry, carry_bytes = [], 0
        if self._is_plain and not self.fault and not self._dropped_bytes:
            self.at_end()
        yield from self._last(b"".join(carry))

    def _complete(self, pieces: list[bytes | memoryview]) -> Iterator[Stretch]:
        """Give a stretch that ends with a newline; `pieces` is emptied."""
        data = b"".join(pieces)
        pieces.clear()
        if self._dropped_bytes:
            end = data.index(b"\n") + 1
            self._hash.update(data[:end])
            self._pass_over(end, _TOO_LONG)
            data = data[end:]
        size = len(data)
        lines = BytesIO(data).readlines()  # thrice as fast as `split`
        if lines and size <= _LONG_BYTES and self._has_room(size * GROWTH, size):
            self._hash.update(data)
            yield self._next(lines, size)
            return
        del data  # a line of 50 MB should not be here twice
        for line in lines:
            if len(line) > _LONG_BYTES and _is_dense(line):
                self._hash.update(line)
                self._pass_over(len(line), "too many values")
            elif self._fits(len(line)):
                self._hash.update(line)
                yield self._next([line], len(line))
            else:
                self.fault = _TOO_MUCH
                return

    def _fits(self, size: int) -> bool:
        """Say whether there is memory for a line, as far as its place in the log lets it be asked for."""
        end = self.consumed_bytes + size
        if end // _ASKED_BYTES == self.consumed_bytes // _ASKED_BYTES:
            return True
        return self._has_room(size * _LINE_COST, size)

    def _has_room(self, needed_bytes: int, size: int) -> bool:
        """Say whether there is memory for lines of a size besides what is kept already."""
        if size * GROWTH > self._room:
            self._room = MAX_HELD_BYTES - self.held_bytes()
        return needed_bytes <= self._room

    def _next(self, lines: list[bytes], size: int) -> Stretch:
        self._room -= size * GROWTH
        stretch = Stretch(self.count + 1, self.consumed_bytes, lines)
        self.count += len(lines)
        self.consumed_bytes += size
        return stretch

    def _last(self, data: bytes) -> Iterator[Stretch]:
        """Give what stands after the last newline; it is consumed only if the taker comes back for more."""
        if self._dropped_bytes:
            self._hash.update(data)
            self._pass_over(len(data), _TOO_LONG)
        elif len(data) > _LONG_BYTES and _is_dense(data):
            self._hash.update(data)
            self._pass_over(len(data), "too many values")
        elif data:
            if not self._fits(len(data)):
                self.fault = _TOO_MUCH
                return
            self.count += 1
            yield Stretch(self.count, self.consumed_bytes, [data], False)
            self._hash.update(data)
            self.consumed_bytes += len(data)

    def _drop(self, pieces: list[bytes | memoryview]) -> None:
        for piece in pieces:
            self._hash.update(piece)
            self._dropped_bytes += len(piece)

    def _pass_over(self, rest_bytes: int, why: str) -> None:
        """Note a line that is not handed out, `rest_bytes` of it still uncounted."""
        self.count += 1
        self._tally.line_no = self.count
        self._tally.stretch = Stretch(self.count, self.consumed_bytes, [])
        self._tally.bad_lines += 1
        self._tally.issue("bad_line", why)
        self.consumed_bytes += self._dropped_bytes + rest_bytes
        self._dropped_bytes = 0

    def _blocks(self) -> Iterator[bytes]:
        """Give the unpacked bytes in blocks, up to the end or the first damage."""
        try:
            magic = b""
            if not self._is_plain:
                self.source.seek(0)
                magic = self.source.read(len(_ZSTD_MAGIC))
                self.source.seek(0)
            if magic.startswith(_GZIP_MAGIC):
                yield from self._unpacked(lambda: zlib.decompressobj(zlib.MAX_WBITS | 16), _GZIP_INPUT_BYTES)
            elif magic == _ZSTD_MAGIC:
                yield from self._unpacked(zstandard.ZstdDecompressor().decompressobj, _ZSTD_INPUT_BYTES)
            else:
                self._is_plain = True
                while block := self.source.read(_BLOCK_BYTES):
                    yield block
        except _DamagedError as error:
            self.fault = str(error)
        except (zlib.error, zstandard.ZstdError):
            self.fault = "damaged compressed data"
        except OSError as error:
            self.fault = unreadable(error)

    def _unpacked(self, new_unpacker: Callable[[], _Unpacker], input_bytes: int) -> Iterator[bytes]:
        unpacker = new_unpacker()
        read_bytes = unpacked_bytes = 0
        while data := self.source.read(input_bytes):
            read_bytes += len(data)
            while data:
                if unpacker.eof:  # one gzip member or zstd frame may follow another
                    unpacker = new_unpacker()
                block = unpacker.decompress(data)
                data = unpacker.unused_data
                unpacked_bytes += len(block)
                if unpacked_bytes > max(_UNJUDGED_BYTES, MAX_EXPANSION * read_bytes):
                    raise _DamagedError(f"expands more than {MAX_EXPANSION}-fold")
                yield block
        if not unpacker.eof:
            raise _DamagedError("compressed data ends early")


_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)', re.DOTALL)


def _is_dense(data: bytes) -> bool:
    """Say whether a line holds more than `MAX_VALUES` values, going by what stands between its strings."""
    values = end = 0
    for string in _STRING.finditer(data):
        values += sum(data.count(mark, end, string.start()) for mark in (b",", b"[", b"{"))
        if values > MAX_VALUES:
            return True
        end = string.end()
    return values + sum(data.count(mark, end) for mark in (b",", b"[", b"{")) > MAX_VALUES


def unreadable(error: OSError) -> str:
    """Say why a file cannot be read, without its name."""
    return f"cannot be read ({errno.errorcode.get(error.errno or 0, 'input/output error')})"
