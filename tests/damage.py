"""Ways to damage a session log, each drawn from a seeded random source."""

import json
import random
from collections.abc import Callable
from typing import Any

Change = Callable[[random.Random, bytes], bytes]

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, -(2**63), 2**31, 2**53 + 1, 2**64, 10**40, 1.5, 3.0, -0.0, 1e300, "", "NaN",
    "7", "x" * 300, "\x00", "\ud800", "\u202e", "all", "-1", "1969-12-31T23:59:59Z", [], [[]], [None], {},
    {"type": 1}, {"": {}}, [{"text": 5}], [{"type": "text", "text": None}],
)  # fmt: skip
NO_JSON = (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 5_000, b"0x10", b"01", b"'x'", b"")
ODD_TIMES = (
    "0000-00-00T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
    "+292277026596-12-04T15:30:08Z", "1970-01-01T00:00:00Z", "2026-09-20T10:00:00", "2026-09-20",
    "2026-02-30T10:00:00Z", "2026-09-20T24:00:00Z", "2026-09-20T10:00:60Z",
    "2026-09-20T10:00:00.123456789123Z", "2026-09-20T10:00:00+23:59", "2026-09-20T10:00:00-12:00",
    "yesterday", 1_790_000_000, 1_790_000_000_000, -1, 1e18, None, {}, [],
)  # fmt: skip
BAD_LINES = (
    b"null", b"[]", b"7", b'"text"', b"{", b"}", b'{"type":', b"\x00", b"\x00" * 5_000, b"\xff\xfe\x00{",
    b"NaN", b"\xed\xa0\x80", b"<html>", b"not JSON", b"\\u0000", b"[" * 100_000, b'{"a":' * 100_000,
    b'{"a":1}]', b"{}{", b'{"a":1,}', b'{"a":\'1\'}', b'{"a":01}', b'{"a":0x1}', b'{a:1}',
    b'{"a":1}, {"a":2}', b'{"a":"' + b"x" * 300_000,
)  # fmt: skip
"""Lines that are not one or more whole JSON objects."""
ODD_OBJECTS = (
    b"", b" \t\r", b"\xef\xbb\xbf", b"{}", b"{}{}", b'{"type":"no-such-type"}',
    b'{"type":"no-such-type"}' * 50, b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    b'{"a":[' + b"1," * 50_000 + b"1]}", b'{"a":"' + b"x" * 300_000 + b'"}',
    b'{"' + b"k" * 300_000 + b'":1}', b"{" + b'"a":1,' * 20_000 + b'"a":1}', b'{"type":"\\ud800"}',
    b'{"a":"\xff"}', b'{"n":' + b"9" * 4_000 + b"}", b'{"n":1e999}', b'{"n":NaN}',
    b'{"type":{"type":{"type":{}}}}', b'{"type":null,"timestamp":{}}',
    b'{"type":[],"message":7,"payload":[[]],"timestamp":-1}',
)  # fmt: skip
"""Lines without a record that any client writes: no row can come of them."""


def flipped_bytes(chance: random.Random, line: bytes) -> bytes:
    """Overwrite a few bytes with any."""
    data = bytearray(line)
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.choice(b'\x00\xff\xc3\xed"\\{}[]:,0-e.\t') % 256
    return bytes(data).replace(b"\n", b" ")


def cut(chance: random.Random, line: bytes) -> bytes:
    """Leave the beginning."""
    return line[: chance.randrange(len(line))]


def without_middle(chance: random.Random, line: bytes) -> bytes:
    """Leave out what stands between two places."""
    first, last = sorted(chance.sample(range(len(line) + 1), 2))
    return line[:first] + line[last:]


def nested_deeply(chance: random.Random, line: bytes) -> bytes:
    """Put the record, or a key of it, under many brackets."""
    depth = chance.choice((2, 50, 900, 5_000, 100_000))
    return chance.choice(
        (
            b"[" * depth + line + b"]" * depth,
            line[:-1] + b',"deep":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}",
        )
    )


def with_odd_values(chance: random.Random, line: bytes) -> bytes:
    """Put values of other types in some places."""
    return _changed(chance, line, lambda _key, _value: chance.choice(ODD_VALUES))


def with_odd_times(chance: random.Random, line: bytes) -> bytes:
    """Put no time, or an absurd one, where a time stands."""
    return _changed(
        chance,
        line,
        lambda _key, _value: chance.choice(ODD_TIMES),
        lambda key: "time" in key.lower() or key.endswith(("_at", "_ms")),
    )


def with_odd_numbers(chance: random.Random, line: bytes) -> bytes:
    """Put what is hardly a number where one stands, as text that no JSON library writes."""
    marked = _changed(chance, line, lambda _key, value: "@odd@" if isinstance(value, int | float) else value)
    return marked.replace(b'"@odd@"', chance.choice(NO_JSON))


def without_keys(chance: random.Random, line: bytes) -> bytes:
    """Leave keys out."""
    return _changed(chance, line, lambda _key, _value: _GONE)


def with_keys_twice(chance: random.Random, line: bytes) -> bytes:
    """Name each key of the record twice, the second time with its value or another."""
    again = with_odd_values(chance, line) if chance.random() < 0.5 else line
    return (
        line[:-1] + b"," + again[1:]
        if line.startswith(b"{") and line.endswith(b"}") and again != b"{}"
        else line
    )


def shuffled_keys(chance: random.Random, line: bytes) -> bytes:
    """Name the keys in another order."""
    record = _object(line)
    keys = list(record)
    chance.shuffle(keys)
    return _line({key: record[key] for key in keys}) if record else line


CHANGES: tuple[Change, ...] = (
    flipped_bytes, cut, without_middle, nested_deeply, with_odd_values, with_odd_times, with_odd_numbers,
    without_keys, with_keys_twice, shuffled_keys,
)  # fmt: skip

_GONE = object()


def _object(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _line(record: Any) -> bytes:
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode()


def _changed(
    chance: random.Random,
    line: bytes,
    change: Callable[[str, Any], Any],
    is_place: Callable[[str], bool] = lambda _: True,
) -> bytes:
    """Change the values in one to three places, at any depth."""
    record = _object(line)
    places = [place for place in _places(record) if is_place(str(place[1]))]
    for holder, key in chance.sample(places, min(len(places), chance.randint(1, 3))):
        value = change(str(key), holder[key])
        if value is _GONE and isinstance(holder, dict):
            holder.pop(key, None)
        elif value is not _GONE:
            holder[key] = value
    return _line(record) if places else line


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        found += _places(value[key])
    return found
