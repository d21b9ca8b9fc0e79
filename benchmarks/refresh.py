"""A home as it was the day before: logs without the newest hundredth of their bytes.

One half of that are sessions that had not begun, the other the second halves of some that had.
"""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

_NEW_SHARE = 0.01


class Yesterday:
    """A copy of the logs in `data` that goes back by a day and on again."""

    def __init__(self, data: Path, home: Path, seed: int = 1) -> None:
        shutil.copytree(data, home)
        logs = sorted(data.rglob("*.jsonl"))
        drawn = random.Random(seed).sample(logs, len(logs))
        self._new = {home / path.relative_to(data): (path, begun) for path, begun in _changing(drawn)}
        self.new_bytes = sum(path.stat().st_size - begun for path, begun in self._new.values())

    def begin(self) -> None:
        """Take back what is new."""
        for place, (path, begun) in self._new.items():
            place.unlink(missing_ok=True)
            if begun:
                place.write_bytes(path.read_bytes()[:begun])

    def end(self) -> None:
        """Let what is new come."""
        for place, (path, begun) in self._new.items():
            with place.open("ab") as file:
                file.write(path.read_bytes()[begun:])


def _changing(logs: list[Path]) -> Iterator[tuple[Path, int]]:
    """Give logs with almost so many new bytes, and how many of each are old."""
    wanted_bytes = _NEW_SHARE * sum(path.stat().st_size for path in logs)
    new_bytes = {False: 0, True: 0}
    for path in logs:
        has_begun = new_bytes[True] < new_bytes[False]
        size = path.stat().st_size
        begun = size // 2 if has_begun else 0
        if sum(new_bytes.values()) + size - begun <= wanted_bytes:
            new_bytes[has_begun] += size - begun
            yield path, begun
