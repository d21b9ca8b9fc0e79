"""How the progress of a load or a build is told on a terminal."""

import io

import pytest

from tracelab.progress import Progress, progress_line, terminal_count, terminal_report


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(0, 1_400_000_000, 0, 4383, 0.4), "0 of 1,400 MB, 0 of 4,383 files"),
        (Progress(350_000_000, 1_400_000_000, 9, 4383, 3), "350 of 1,400 MB, 9 of 4,383 files, 9 s left"),
        (Progress(1_000_000, 91_000_000, 1, 2, 1), "1 of 91 MB, 1 of 2 files, 1 min 30 s left"),
        (Progress(10, 10, 2, 2, 1), "0 of 0 MB, 2 of 2 files, 0 s left"),
    ],
)
def test_bytes_files_and_the_time_that_is_left_stand_in_one_line(progress: Progress, line: str) -> None:
    assert progress_line(progress) == line


def test_a_terminal_keeps_one_line_and_is_left_clean() -> None:
    stream = io.StringIO()
    report = terminal_report(stream)
    for done in range(1, 101):
        report(Progress(done, 100, done, 100, done / 1000))
    said = stream.getvalue()
    assert "\n" not in said
    assert said.startswith("\r0 of 0 MB, 1 of 100 files")
    assert said.endswith("\r\x1b[K")
    assert said.count("files") < 100, "it is not drawn more often than anyone can read"


def test_a_build_is_counted_in_one_line_that_is_gone_in_the_end() -> None:
    stream = io.StringIO()
    count = terminal_count(stream)
    for number in (1, 2, 1_111, 0):
        count(number, 1_111)
    shown = stream.getvalue().split("\r")[1:]
    assert shown == [*(f"{n} of 1,111 tables and tests\x1b[K" for n in ("1", "2", "1,111")), "\x1b[K"]
