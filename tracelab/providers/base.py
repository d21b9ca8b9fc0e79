"""What every provider shares: the source of a file, its tally, and decoding lines into typed records.

A provider is pure: records of one file in, raw rows out. It never opens a file, never knows of another file,
and never keeps text. Decoding is typed (msgspec): a record type names the fields that matter, so bodies are
skipped.
"""

import codecs
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Annotated, Any, NamedTuple, Protocol, TypeGuard, TypeVar

import msgspec

from tracelab.schema import LoadIssue, Row, Rows

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""An instant with its zone; anything else in its place is a wrong type and reads as absent."""
FIRST_INSTANT, LAST_INSTANT = datetime(1970, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
"""Between which an instant is one: far enough from what no calendar holds for any zone or shift."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A token count or size: never negative, never beyond what a double holds exactly."""

Tokens = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
"""Tokens of one message: far more than any context holds, and little enough for any sum and price."""

MAX_NAME_CHARS = 128
Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_CHARS)]
"""What names a thing: anything longer is no name but a text, a wrong type, and reads as absent."""

Mark = Callable[[str | tuple[str, str]], int]

MAX_TYPES = 200
"""Record types that are told apart in a file; real logs hold some fifty."""
_is_type = lru_cache(1_000)(re.compile(r"[A-Za-z0-9_./-]{1,80}").fullmatch)
_GIVEN_UP = "object given up"
_SPARE_FRAMES = 100  # more than lie between decoding a line and measuring what it holds
_MAX_REPAIRS = 32  # wrong values mended in one object before it is given up
_MAX_MENDED_BYTES = 8 << 20
"""A longer line is read as ASCII, and given up if it is damaged: mending holds it sixteen times over."""
_BLOCK_BYTES = 1 << 20
_MOMENT = timedelta(seconds=1)  # by which a row may be stamped before what it answers or repeats


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a file besides its lines: only what content may not give (see each provider)."""

    file_id: str
    path: str
    """Absolute path: gives Claude's project folder, an agent's id, a rollout's uuid; nothing else."""
    user_name: str | None = None
    first_line_sha256: str = ""
    """SHA-256 (hex) of the first complete line: names a session in a log that holds no id."""
    sidecar: bytes | None = None
    """Content of an agent file's `.meta.json`, if it lies beside it."""
    mark: Mark = hash
    """What is kept of a text to know it again."""


class Stretch(NamedTuple):
    """Physical lines in a row: the first one's number (from 1) and byte offset, and the bytes of each.

    Each line ends with its newline; the last one may lack it, and is then still being written unless
    `is_complete`.
    """

    number: int
    offset: int
    lines: list[bytes]
    is_complete: bool = True

    def one_by_one(self) -> Iterator["Stretch"]:
        """Give each line as a stretch of its own."""
        offset, last = self.offset, self.number + len(self.lines) - 1
        for number, line in enumerate(self.lines, self.number):
            yield Stretch(number, offset, [line], self.is_complete or number < last)
            offset += len(line)


@dataclass(slots=True)
class Tally:
    """What is counted while a file is read, and where the reader stands (for issues)."""

    line_no: int = 0
    stretch: Stretch = field(default_factory=lambda: Stretch(0, 0, []), repr=False)
    """The lines being read, the current one among them."""
    bad_lines: int = 0
    objects: int = 0
    records_by_type: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    synthetic_rows: int = 0
    rows_without_id: int = 0
    usage_echoes: int = 0
    hosted_calls: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    file_id: str = ""
    issues: list[LoadIssue] = field(default_factory=list)
    """Problems met so far; the reader moves them on and clears the list."""
    told: tuple[int, int] = (0, 0)
    """The latest line whose offset was asked for, and that: the next one is counted on from there."""

    @property
    def offset(self) -> int:
        """Byte offset of the current line."""
        number, offset, lines, _ = self.stretch
        start = 0
        if number <= self.told[0] <= self.line_no:
            start, offset = self.told[0] - number, self.told[1]
        offset += sum(map(len, lines[start : self.line_no - number]))
        self.told = self.line_no, offset
        return offset

    def take(self, other: "Tally") -> None:
        """Go on from where another tally of the file stands."""
        for each in fields(self):
            setattr(self, each.name, getattr(other, each.name))

    def count_type(self, name: object, records: int = 1) -> None:
        """Count records of a type; what cannot be the name of one is other."""
        self.records_by_type[name if isinstance(name, str) and _is_type(name) else "other"] += records

    def known_types(self) -> dict[str, int]:
        """Return the records by type; beyond `MAX_TYPES` the rarest are other."""
        types = Counter[str]()
        # of equals by name: the order in which they came is not kept with a log that grows
        for name, count in sorted(self.records_by_type.items(), key=lambda item: (-item[1], item[0])):
            types[name if len(types) < MAX_TYPES else "other"] += count
        return dict(sorted(types.items()))

    def issue(self, reason: str, detail: str | None = None) -> None:
        """Note a problem at the current line; `detail` must hold no content."""
        self.issues.append(LoadIssue(self.file_id, self.line_no, self.offset, reason, detail))

    def seen(self, instant: datetime) -> None:
        """Widen the file's span of time."""
        if self.last_at is None or self.first_at is None:
            self.first_at = self.last_at = instant
        elif instant > self.last_at:
            self.last_at = instant
        elif instant < self.first_at:
            self.first_at = instant


def is_known(at: datetime) -> bool:
    """Say whether a clock can have told a time."""
    return FIRST_INSTANT <= at < LAST_INSTANT


def refuse_time(tally: Tally) -> None:
    """Note that the current record's time is none that a clock tells: it reads as absent."""
    tally.issue("wrong_type", "$.timestamp: Expected a time from 1970 to 9997")


def is_name(value: object) -> TypeGuard[str]:
    """Say whether a value of any type is a `Name`."""
    return isinstance(value, str) and len(value) <= MAX_NAME_CHARS


def short(name: str) -> str:
    """Return an id as it is, or the SHA-256 (hex) of one that is too long to be kept."""
    return name if len(name) <= MAX_NAME_CHARS else hashlib.sha256(name.encode()).hexdigest()


_COUNT = r"functions\..*:\d+"
_is_count = re.compile(_COUNT).fullmatch
_is_provider_made = re.compile(rf"(?!{_COUNT}\Z)[A-Za-z0-9_.:-]{{20,{MAX_NAME_CHARS}}}").fullmatch


def global_id(name: str, scope: str) -> str:
    """Make an id global: one that the provider did not make means something in its scope only."""
    if _is_provider_made(name):
        return name
    name = short(name)
    return name if _is_provider_made(name) else f"{scope}/{name}"


def is_before(first: datetime | None, second: datetime | None) -> bool:
    """Say whether an instant is known to be earlier than another, by more than rows of one moment differ."""
    return first is not None and second is not None and first < second - _MOMENT


def is_count(call_id: str) -> bool:
    """Say whether a call's id is a count of the model's (`functions.Bash:0`): it begins anew at will."""
    return call_id.startswith("functions.") and _is_count(call_id) is not None


R = TypeVar("R", bound=msgspec.Struct)


class Log(Protocol):
    """One file while it is read. It can be pickled between two records, without its source and tally."""

    def rows(self, portions: Iterator[Any]) -> Iterator[Rows]:
        """Turn portions of records into raw rows: events as they are settled, all else at the end.

        What is given is taken before the next is asked for.
        """

    def count_types(self) -> None:
        """Bring the tally's counts of record types up to date."""

    def held_bytes(self) -> int:
        """Estimate, rather too high, the memory of what is kept of the file until it ends.

        It depends on the records read so far alone; a byte of a log adds at most `lines.GROWTH`.
        """

    def go_on(self, source: Source, tally: Tally) -> None:
        """Go on with a source and a tally like those of before, having been pickled."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A client's log format: its name, the types its lines decode to, and how a file of them is read."""

    name: str
    records: tuple[Any, ...]
    """What holds nearly all lines first; any object makes one of the last, at worst when mended."""
    log: Callable[[Source, Tally], Log]
    grows: bool = True
    """Whether its files are written to for as long as their sessions go on."""

    def parse(self, stretches: Iterable[Stretch], source: Source, tally: Tally) -> Iterator[Row]:
        """Turn the lines of a file into raw rows, one by one."""
        for row_type, rows in self.log(source, tally).rows(portions(stretches, self.records, tally)):
            yield from map(row_type._make, rows)


FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a line, or a part of one, may raise."""


class _PendingLineError(Exception):
    """The last line has no newline and does not decode: it is still being written."""


Portion = tuple[int, list[R]]
"""Records of lines in a row, one each, and the number of the first line."""


def portions(stretches: Iterable[Stretch], types: tuple[type[R], ...], tally: Tally) -> Iterator[Portion[R]]:
    """Decode lines into records, each of the first of `types` that it fits; note what does not decode.

    A line may hold several objects with nothing between them. A line that is not one or more whole objects is
    a bad line; the objects decoded before the fault are kept. A value of the wrong type reads as absent, and
    with a part of a prompt the whole usage: what is left of it would look like a smaller prompt. A last line
    that no newline ended and that does not decode is still being written: it is left alone.
    """
    for stretch in stretches:
        tally.stretch = stretch
        is_long = len(stretch.lines) == 1 and len(stretch.lines[0]) > _MAX_MENDED_BYTES
        found = None if is_long else _decode_all(stretch.lines, types)
        if found is not None:
            tally.objects += len(found)
            yield stretch.number, found
            continue
        try:
            for line in stretch.one_by_one():
                tally.line_no, tally.stretch = line.number, line
                for record in _salvage(line, types, tally):
                    yield line.number, [record]
        except _PendingLineError:
            return


def _decode_all(lines: list[bytes], types: tuple[type[R], ...]) -> list[R] | None:
    """Decode lines that hold an object each, as most do, by far the fastest way; None if one does not."""
    usual, *others = types
    found: list[R] = []
    rest = iter(lines)  # past a line that does not decode it goes on by itself
    while len(found) < len(lines):
        try:
            found.extend(map(_decoder(usual).decode, rest))
        except FAULTS:
            record = _decoded(lines[len(found)], others)
            if record is None:
                return None
            found.append(record)
    return found


def records(stretches: Iterable[Stretch], record_type: type[R], tally: Tally) -> Iterator[R]:
    """Decode lines into records as `portions` does, and give them one by one."""
    for number, found in portions(stretches, (record_type,), tally):
        for tally.line_no, record in enumerate(found, number):
            yield record


def lenient(data: bytes | msgspec.Raw, record_type: type[R], tally: Tally) -> R | None:
    """Decode one object nested in a record, mending it; None if it is none, or (with an issue) given up."""
    record = _decoded(data, (record_type,))
    if record is not None:
        return record
    try:
        if len(memoryview(data)) > _MAX_MENDED_BYTES:
            raise ValueError(_GIVEN_UP)
        value, _ = _next_value(bytes(data).decode("utf-8", "replace"), 0)
    except (ValueError, RecursionError):
        if is_object(data):
            tally.issue("wrong_type", _GIVEN_UP)
        return None
    return _mended(value, record_type, tally) if isinstance(value, dict) else None


@cache
def _decoder(record_type: type[R]) -> msgspec.json.Decoder[R]:
    return msgspec.json.Decoder(record_type)


def _decoded(data: bytes | bytearray | msgspec.Raw, types: Iterable[type[R]]) -> R | None:
    for record_type in types:
        try:
            record: R = _decoder(record_type).decode(data)
        except FAULTS:
            continue
        return record
    return None


def is_object(raw: bytes | msgspec.Raw) -> bool:
    """Say whether a value that is still JSON is an object."""
    return bytes(memoryview(raw)[:1]) == b"{"


def content_chars(value: object) -> int:
    """Size of a value in characters: 0 for null, a string's length, else that of its compact JSON."""
    if value is None:
        return 0
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list) and all(map(_is_texts, value)):
        return _written_chars(value)  # many times as fast, and the same where no number is
    try:
        return len(_COMPACT(value))
    except RecursionError:  # what was decoded by a hair: writing it takes more of the stack
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + _SPARE_FRAMES)
        try:
            return _written_chars(value)
        finally:
            sys.setrecursionlimit(limit)


def raw_chars(raw: msgspec.Raw) -> int:
    """`content_chars` of a value that is still JSON, decoded only if it must be."""
    data = bytes(raw)
    if not data:
        return 0
    try:
        if data.startswith((b"{", b"[")) and _has_long_escape(data) is None:
            compact = msgspec.json.format(data, indent=-1)
            return len(compact) if compact.isascii() else len(compact.decode("utf-8", "replace"))
        return content_chars(msgspec.json.decode(data))
    except FAULTS:  # of a line that decodes: bytes that are no UTF-8, an absurd number or depth
        text = data.decode("utf-8", "replace")
    try:
        return content_chars(json.loads(text))
    except (ValueError, RecursionError):
        return len(text)


def _written_chars(value: object) -> int:
    compact = msgspec.json.encode(value)
    return len(compact) if compact.isascii() else len(compact.decode())


def _is_texts(block: object) -> bool:
    return isinstance(block, dict) and set(map(type, block.values())) <= {str}


_CONTROL = rb"00(?:0[0-7bBeEfF]|1[\da-fA-F])"  # what compact JSON writes as \u, too
_has_long_escape = re.compile(rb"\\(?:/|u(?!%b))" % _CONTROL).search  # one that it may write shorter


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _salvage(line: Stretch, types: tuple[type[R], ...], tally: Tally) -> Iterator[R]:
    """Take the slow way with a line that may hold no object, several, or damage."""
    (data,) = line.lines
    is_long = len(data) > _MAX_MENDED_BYTES
    if is_long:
        whole = _decoded(_ascii(data), types)
    else:  # bad bytes and half characters are common in cut outputs
        whole = _decoded(data, types) or _decoded(_whole_characters(data), types)
    if whole is not None:
        tally.objects += 1
        yield whole
        return
    found: list[R] = []
    position = 0
    fault = "not one or more whole JSON objects"
    try:
        if is_long:
            fault = f"damaged, and longer than {_MAX_MENDED_BYTES >> 20} MiB"
            raise ValueError(fault)
        text = data.decode("utf-8", "replace").lstrip("\ufeff").strip()
        while position < len(text):
            value, position = _next_value(text, position)
            if not isinstance(value, dict):
                raise ValueError("not an object")
            record = _mended(value, types[-1], tally)
            tally.objects += 1
            if record is not None:
                found.append(record)
    except (ValueError, RecursionError):
        if not line.is_complete:
            tally.objects -= len(found)
            raise _PendingLineError from None
        tally.bad_lines += 1
        tally.issue("bad_line", fault)
    yield from found


_HALF_CHARACTER = re.compile(
    rb"(\\\\|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})"  # an escaped backslash, a pair: stays
    rb"|\\u[dD][89a-fA-F][\da-fA-F]{2}"
)


def _whole_characters(data: bytes) -> bytes:
    """Replace bytes that are no UTF-8, and escaped halves of a character."""
    whole = data.decode("utf-8", "replace").encode()
    return _HALF_CHARACTER.sub(lambda match: match[1] or b"\\ufffd", whole)


_ESCAPE = re.compile(
    rb"\\u(?:00([0-7][\da-fA-F])|[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|[\da-fA-F]{4})"
)
_WRITTEN = [json.dumps(chr(code))[1:-1].encode() for code in range(0x80)]


def _ascii(data: bytes) -> bytearray:
    """Write each character that is no ASCII as a question mark: decoded, one makes all others as wide.

    All others are written as compact JSON does, so that nothing has to be decoded to be measured.
    """
    blocks = (data[start : start + _BLOCK_BYTES] for start in range(0, len(data), _BLOCK_BYTES))
    plain, done = bytearray(), 0
    for piece in codecs.iterdecode(blocks, "utf-8", "replace"):
        plain += piece.encode("ascii", "replace")
    if 0 in plain:  # which no JSON holds
        return plain
    plain = _replaced(plain, b"\\\\", b"\0")  # so that each backslash left begins an escape
    plain = _replaced(plain, b"\\/", b"/")
    written = bytearray()
    with memoryview(plain) as rest:
        for match in _ESCAPE.finditer(plain):
            written += rest[done : match.start()]
            written += _WRITTEN[int(match[1], 16)] if match[1] else b"?"
            done = match.end()
        written += rest[done:]
    del plain
    return _replaced(written, b"\0", b"\\\\")


def _replaced(data: bytearray, old: bytes, new: bytes) -> bytearray:
    """Replace without a copy where there is nothing to replace."""
    return data.replace(old, new) if old in data else data


_WHITE_SPACE = re.compile(r"[ \t\r]*")


def _finite(text: str) -> float | None:
    number = float(text)
    return number if abs(number) != float("inf") else None


_next_json = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite).raw_decode


def _next_value(text: str, position: int) -> tuple[Any, int]:
    """Decode the JSON value at `position`; return it and where the next one begins."""
    value, end = _next_json(text, position)
    match = _WHITE_SPACE.match(text, end)
    return value, match.end() if match else end


def _mended(value: dict[str, Any], record_type: type[R], tally: Tally) -> R | None:
    """Convert an object, dropping each value of a wrong type with an issue; None, with one, if given up."""
    noted, why = len(tally.issues), _GIVEN_UP
    for _ in range(_MAX_REPAIRS):
        try:
            # via JSON again: lone surrogates become one character, numbers keep their meaning
            return msgspec.json.decode(_COMPACT(value).encode("utf-8", "replace"), type=record_type)
        except msgspec.ValidationError as error:
            told, _, path = str(error).rstrip("`").rpartition(" - at `")
            wanted = (told or path).partition(" '")[0]  # what is quoted is of the log
            path = path if told else ""
            if _round(value, path):
                continue
            if not _drop(value, path):
                why = f"{path or '$'}: {wanted}"
                break
            tally.issue("wrong_type", f"{path or '$'}: {wanted}")
        except (msgspec.DecodeError, RecursionError):
            break
    del tally.issues[noted:]
    tally.issue("wrong_type", why)
    return None


_PATH_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_PROMPT_PART = re.compile(r"(.*(?:usage|\.iterations))(?:\[\d+\])?\.[a-z_]*input_tokens")


def _drop(value: Any, path: str) -> bool:
    """Remove what stands at a msgspec error path such as `$.message.id`; say if it was there."""
    part = _PROMPT_PART.fullmatch(path)
    holder, key = _holder(value, part[1] if part else path)
    if part and holder is not None:
        holder[key] = [] if key == "iterations" else {}  # there was a usage: none of it is known
    elif isinstance(holder, dict):
        del holder[key]
    elif isinstance(holder, list):
        holder[key] = {}  # keeps the place of the blocks after it
    return holder is not None


def _round(value: Any, path: str) -> bool:
    """Make a whole number of one that is written with a point, such as 3.0; say if it was one."""
    holder, key = _holder(value, path)
    if holder is None or not isinstance(holder[key], float) or not holder[key].is_integer():
        return False
    holder[key] = int(holder[key])
    return True


def _holder(value: Any, path: str) -> tuple[Any, Any]:
    """Find the object or list that holds what a path names, and its key there; (None, None) if none does."""
    holder = key = None
    for name, index in _PATH_STEP.findall(path):
        holder, key = value, name or index
        if isinstance(holder, list) and key.isdigit() and int(key) < len(holder):
            key = int(key)
        elif not isinstance(holder, dict) or key not in holder:
            return None, None
        value = holder[key]
    return holder, key
