"""How far a load or a build is: what it tells a caller, and one line of it on a terminal."""

import time
from collections.abc import Callable
from typing import NamedTuple, TextIO


class Progress(NamedTuple):
    """A load under way."""

    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int
    elapsed_s: float

    @property
    def remaining_s(self) -> float | None:
        """Time that is left at the pace so far; None before there is a pace."""
        if not self.bytes_done:
            return None
        return self.elapsed_s * (self.bytes_total - self.bytes_done) / self.bytes_done


Report = Callable[[Progress], None]
"""What a load calls after each file."""

Count = Callable[[int, int], None]
"""What a build calls with the number of what it begins, and of how many: from 1, and 0 once it is over."""

_REDRAW_S = 0.1


def progress_line(progress: Progress) -> str:
    """Say it in one line of at most 79 characters."""
    remaining = progress.remaining_s
    eta = "" if remaining is None else f", {_duration(remaining)} left"
    return (
        f"{_megabytes(progress.bytes_done)} of {_megabytes(progress.bytes_total)} MB,"
        f" {progress.files_done:,} of {progress.files_total:,} files{eta}"
    )


def terminal_report(stream: TextIO) -> Report:
    """Return a report that keeps one line of a terminal up to date, and clears it at the end."""
    drawn_at = 0.0

    def report(progress: Progress) -> None:
        nonlocal drawn_at
        is_done = progress.files_done == progress.files_total
        if is_done:
            stream.write("\r\x1b[K")
        elif time.monotonic() - drawn_at >= _REDRAW_S:
            drawn_at = time.monotonic()
            stream.write(f"\r{progress_line(progress)}\x1b[K")
        stream.flush()

    return report


def terminal_count(stream: TextIO) -> Count:
    """Return a count that keeps one line of a terminal up to date, and clears it at the end."""

    def count(number: int, total: int) -> None:
        stream.write(f"\r{number:,} of {total:,} tables and tests\x1b[K" if number else "\r\x1b[K")
        stream.flush()

    return count


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes:d} min {seconds:d} s" if minutes else f"{seconds:d} s"
