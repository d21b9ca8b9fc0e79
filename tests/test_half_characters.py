"""Lines with bytes or escapes that are no character still give their record."""

import msgspec
import pytest

from tests.stretches import split
from tracelab.providers import base
from tracelab.providers.base import Tally, records


class Record(msgspec.Struct):
    text: str | None = None
    output_tokens: int | None = None


def read(data: bytes) -> tuple[list[Record], Tally]:
    tally = Tally()
    return list(records(split(data + b"\n"), Record, tally)), tally


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (rb"cut \ud83d", "cut \ufffd"),
        (rb"\ude00 cut", "\ufffd cut"),
        (rb"\uD83D\uD83D\uDE00", "\ufffd\U0001f600"),
        (rb"\\ud83d \ud83d", "\\ud83d \ufffd"),
        (rb"\\\ud83d\n", "\\\ufffd\n"),
        (b"\xff \xf0\x9f\x98\x80", "\ufffd \U0001f600"),
    ],
)
def test_half_characters_are_replaced_one_for_one(written: bytes, text: str) -> None:
    found, tally = read(b'{"text":"' + written + b'","output_tokens":7}')
    assert found == [Record(text, 7)]
    assert (tally.objects, tally.bad_lines, tally.issues) == (1, 0, [])


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"Grüße 中文 😀".encode(), "Gr??e ?? ?"),
        (rb"\u00fc \u4e2D \ud83d\ude00 \uD83D", "? ? ? ?"),
        (rb"\u003c\u007f\n\\u00fc\\\u00fc\"", '<\x7f\n\\u00fc\\?"'),
        (b"\xff \xf0\x9f", "? ?"),
    ],
)
def test_of_a_huge_line_each_character_beyond_ascii_is_a_question_mark(
    monkeypatch: pytest.MonkeyPatch, written: bytes, text: str
) -> None:
    monkeypatch.setattr(base, "_MAX_MENDED_BYTES", 30)
    monkeypatch.setattr(base, "_BLOCK_BYTES", 7)
    found, tally = read(b'{"text":"' + written + b'","output_tokens":7}')
    assert found == [Record(text, 7)]
    assert (tally.objects, tally.bad_lines, tally.issues) == (1, 0, [])


def test_an_escape_that_is_no_json_stays_a_bad_line() -> None:
    found, tally = read(rb'{"text":"\ud8zz"}')
    assert (found, tally.bad_lines) == ([], 1)


def test_a_half_character_beside_a_wrong_type_loses_only_the_wrong_value() -> None:
    found, tally = read(rb'{"text":"\ud83d","output_tokens":"many"}')
    assert [record.output_tokens for record in found] == [None]
    assert [issue.reason for issue in tally.issues] == ["wrong_type"]
