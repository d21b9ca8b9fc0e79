"""Bytes of a log, plain or packed, as lines."""

import gzip
import hashlib
import io
from pathlib import Path

import msgspec
import pytest
import zstandard

from tests.stretches import split
from tracelab import lines as module
from tracelab.lines import Lines
from tracelab.providers.base import Stretch, Tally, records


def read(path: Path, tally: Tally | None = None) -> tuple[list[Stretch], Lines]:
    with path.open("rb", buffering=0) as file:
        lines = Lines(file, tally or Tally())
        return [line for stretch in lines for line in stretch.one_by_one()], lines


def text(line: Stretch) -> bytes:
    (data,) = line.lines
    return data


def packed(name: str, data: bytes) -> bytes:
    match name:
        case "plain":
            return data
        case "gzip":
            return gzip.compress(data)
        case "zstd":
            return zstandard.ZstdCompressor().compress(data)
    raise ValueError(name)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
def test_lines_carry_their_number_their_offset_and_their_bytes(log: Path, packing: str) -> None:
    log.write_bytes(packed(packing, b'{"a":1}\r\n\n{"b":"\xff"}\n{"c"'))
    found, lines = read(log)
    assert found == [
        Stretch(1, 0, [b'{"a":1}\r\n'], True),
        Stretch(2, 9, [b"\n"], True),
        Stretch(3, 10, [b'{"b":"\xff"}\n'], True),
        Stretch(4, 20, [b'{"c"'], False),
    ]
    assert (lines.count, lines.fault) == (4, None)


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
def test_what_is_consumed_is_hashed_as_it_is_unpacked(log: Path, packing: str) -> None:
    data = b"".join(b'{"n":%d,"text":"%s"}\n' % (n, b"x" * (n % 3000)) for n in range(2000))
    log.write_bytes(packed(packing, data))
    found, lines = read(log)
    assert b"".join(map(text, found)) == data
    assert lines.consumed_bytes == len(data)
    assert lines.consumed_sha256 == hashlib.sha256(data).hexdigest()


def test_a_last_line_that_nobody_could_use_is_not_consumed(log: Path) -> None:
    log.write_bytes(b'{"a":1}\n{"b"')
    with log.open("rb", buffering=0) as file:
        lines = Lines(file, Tally())
        for stretch in lines:
            if not stretch.is_complete:
                break
    assert lines.consumed_bytes == 8
    assert lines.consumed_sha256 == hashlib.sha256(b'{"a":1}\n').hexdigest()
    assert lines.count == 2


def test_a_last_line_without_newline_is_consumed_once_the_reader_goes_on(log: Path) -> None:
    log.write_bytes(b'{"a":1}\n{"b":2}')
    _, lines = read(log)
    assert lines.consumed_sha256 == hashlib.sha256(log.read_bytes()).hexdigest()
    assert lines.consumed_bytes == 15


def test_an_empty_file_has_no_line(log: Path) -> None:
    log.write_bytes(b"")
    assert read(log)[0] == []


@pytest.mark.parametrize("size", [(256 << 10) - 1, 256 << 10, (256 << 10) + 1])
def test_a_line_may_end_anywhere_in_a_block(log: Path, size: int) -> None:
    log.write_bytes(b"x" * (size - 1) + b"\ny\n")
    found, _ = read(log)
    assert [(len(text(line)), line.offset) for line in found] == [(size, 0), (2, size)]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_packed_parts_one_after_another_are_one_log(log: Path, packing: str) -> None:
    log.write_bytes(packed(packing, b'{"a":1}\n{"b"') + packed(packing, b":2}\n"))
    found, lines = read(log)
    assert [text(line) for line in found] == [b'{"a":1}\n', b'{"b":2}\n']
    assert lines.fault is None


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_packed_log_that_ends_early_gives_the_lines_before_and_a_fault(log: Path, packing: str) -> None:
    data = b"".join(hashlib.sha256(b"%d" % n).hexdigest().encode() + b"\n" for n in range(20_000))
    whole = packed(packing, data)
    log.write_bytes(whole[: len(whole) // 2])
    found, lines = read(log)
    assert 0 < len(found) < 20_000
    assert data.startswith(b"".join(map(text, found[:-1])))
    assert lines.fault == "compressed data ends early"


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_damaged_packed_bytes_are_a_fault_and_no_exception(log: Path, packing: str) -> None:
    whole = packed(packing, b'{"a":1}\n' * 1000)
    log.write_bytes(whole + whole[:4] + b"\xff" * 100)
    found, lines = read(log)
    assert len(found) == 1000
    assert lines.fault == "damaged compressed data"


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_bomb_is_given_up_before_it_is_unpacked(log: Path, packing: str) -> None:
    bomb, megabyte = io.BytesIO(), b" " * ((1 << 20) - 1) + b"\n"
    if packing == "gzip":
        with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=9) as file:
            for _ in range(300):
                file.write(megabyte)
    else:
        with zstandard.ZstdCompressor(level=19).stream_writer(bomb, closefd=False) as file:
            for _ in range(300):
                file.write(megabyte)
    log.write_bytes(bomb.getvalue())
    with log.open("rb", buffering=0) as file:
        lines = Lines(file, Tally())
        count = sum(1 for _ in lines)
    assert lines.fault == "expands more than 1000-fold"
    assert count < 150


def test_a_line_too_long_for_memory_is_a_bad_line_and_its_neighbours_are_read(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 1 << 20)
    long = b'"' + b"x" * (3 << 20) + b'"'
    log.write_bytes(b"{}\n" + long + b"\n[]\n" + long)
    tally = Tally(file_id="f")
    found, lines = read(log, tally)
    assert [(line.number, line.offset, text(line)) for line in found] == [
        (1, 0, b"{}\n"),
        (3, 3 + len(long) + 1, b"[]\n"),
    ]
    assert [(issue.line_no, issue.byte_offset, issue.reason) for issue in tally.issues] == [
        (2, 3, "bad_line"),
        (4, 3 + len(long) + 1 + 3, "bad_line"),
    ]
    assert tally.bad_lines == 2
    assert lines.count == 4
    assert lines.consumed_bytes == log.stat().st_size
    assert lines.consumed_sha256 == hashlib.sha256(log.read_bytes()).hexdigest()


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("start", [0, 1_700])
def test_a_log_ends_before_the_first_line_that_memory_does_not_hold(
    log: Path, monkeypatch: pytest.MonkeyPatch, packing: str, start: int
) -> None:
    monkeypatch.setattr(module, "MAX_HELD_BYTES", 200_000)
    monkeypatch.setattr(module, "_ASKED_BYTES", 1)
    every = [b'{"n":%d}\n' % n for n in range(100_000, 103_000)]
    log.write_bytes(packed(packing, b"".join(every)))
    tally = Tally(file_id="f")
    with log.open("rb", buffering=0) as file:
        lines, read_lines, asked = Lines(file, tally), start, 0

        def held_bytes() -> int:
            nonlocal asked
            asked += 1
            return 100 * read_lines

        lines.held_bytes = held_bytes
        if packing == "plain" and start:
            before = b"".join(every[:start])
            assert lines.skip(len(before), hashlib.sha256(before).hexdigest(), start)
        else:
            read_lines = 0
        for stretch in lines:
            read_lines += len(stretch.lines)
    # with 2,000 kept there is no room for another line of 11 bytes
    kept = b"".join(every[:2_000])
    assert (read_lines, lines.count, lines.consumed_bytes) == (2_000, 2_000, len(kept))
    assert lines.consumed_sha256 == hashlib.sha256(kept).hexdigest()
    assert lines.fault == "what is to be kept of it takes more than 256 MiB of memory"
    assert asked < 200, "it is asked for more and more often, not for each line"


def test_what_is_kept_is_not_asked_for_at_each_line_where_little_room_is_left(log: Path) -> None:
    log.write_bytes(b"{}\n" * 300_000)
    asked = 0

    def held_bytes() -> int:
        nonlocal asked
        asked += 1
        return module.MAX_HELD_BYTES - 100

    with log.open("rb", buffering=0) as file:
        lines = Lines(file, Tally())
        lines.held_bytes = held_bytes
        assert sum(len(stretch.lines) for stretch in lines) == 300_000
    assert asked < 30


@pytest.mark.parametrize("value", [b"[1]", b"1000000", b"[", b'"a"', b"{}"])
def test_values_of_any_kind_are_counted(log: Path, value: bytes) -> None:
    count = (9 << 20) // (len(value) + 1)
    log.write_bytes(b'{"a":[' + b",".join([value] * count) + b"]}\n{}\n")
    tally = Tally(file_id="f")
    found, _ = read(log, tally)
    assert [text(line) for line in found] == [b"{}\n"]
    assert [issue.detail for issue in tally.issues] == ["too many values"]


def test_a_long_text_cut_off_midway_is_still_being_written(log: Path) -> None:
    prose = b'{"output":"' + rb"one, two, [three], {four}: \"five\", " * 300_000
    log.write_bytes(b"{}\n" + prose)
    found, _ = read(log)
    assert [line.is_complete for line in found] == [True, False]


def test_a_line_of_more_values_than_memory_holds_is_a_bad_line(log: Path) -> None:
    prose = b'{"output":"' + rb"{\"a\":1,\"b\":2},\n" * 600_000 + b'"}'
    dense = b'{"output":[' + b'{"a":1,"b":2345678},' * 600_000 + b"0]}"
    log.write_bytes(prose + b"\n" + dense + b"\n{}\n" + dense)
    tally = Tally(file_id="f")
    found, lines = read(log, tally)
    assert [text(line) for line in found] == [prose + b"\n", b"{}\n"], (
        "a long text with braces and commas is one value"
    )
    assert [(issue.line_no, issue.reason, issue.detail) for issue in tally.issues] == [
        (2, "bad_line", "too many values"),
        (4, "bad_line", "too many values"),
    ]
    assert lines.consumed_sha256 == hashlib.sha256(log.read_bytes()).hexdigest()
    assert (lines.count, lines.consumed_bytes) == (4, log.stat().st_size)


class Anything(msgspec.Struct):
    a: int | None = None


@pytest.mark.parametrize(
    ("data", "lines", "bad"),
    [
        (b'{"a":1}\n{"a":2}\n', [1, 2], []),
        (b'{"a":1}{"a":2}\n\n{"a":3}\n', [1, 1, 3], []),
        (b'{"a":1}\n{"b":\n2}{"a":3}\n', [1], [2, 3]),
        (b'{"b":\n{"b":1}}\n{"a":1}{"a":2}\n', [2, 3, 3], [1, 2]),
        (b'{"a":1}\r\n{"a":2}\r\n', [1, 2], []),
    ],
)
def test_a_record_stands_on_its_own_line_and_none_spans_two(
    data: bytes, lines: list[int], bad: list[int]
) -> None:
    tally = Tally()
    found = [tally.line_no for _ in records(split(data), Anything, tally)]
    assert (found, [issue.line_no for issue in tally.issues]) == (lines, bad)
