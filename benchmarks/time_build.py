"""Build a warehouse and print, as JSON, how long it took and how much of that was each node's SQL.

    python -m benchmarks.time_build tracelab.duckdb

Every statement of dbt names its node in a comment. Two nodes may run at a time: SQL is the time in which any
statement ran, and the rest dbt's own, its import included.
"""

import time

_START = time.perf_counter()

import json  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
from collections import defaultdict  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper  # noqa: E402

from tracelab.build import build  # noqa: E402

_NODE = re.compile(r'"node_id": "(\w+)\.\w+\.(\w+)')


def main() -> None:
    """Build the database that is named, with a stop watch on every statement."""
    seconds: dict[str, float] = defaultdict(float)
    spans: list[tuple[float, float]] = []
    execute = DuckDBCursorWrapper.execute

    def timed(self: Any, sql: str, bindings: Any = None) -> Any:
        since = time.perf_counter()
        try:
            return execute(self, sql, bindings)  # type: ignore[no-untyped-call]
        finally:
            node = _NODE.search(sql)
            until = time.perf_counter()
            seconds[" ".join(node.groups()) if node else "other"] += until - since
            spans.append((since, until))

    DuckDBCursorWrapper.execute = timed  # type: ignore[method-assign]
    report = build(Path(sys.argv[1]), timezone="UTC")
    print(
        json.dumps(
            {
                "models": report.models,
                "tests": report.tests,
                "seconds": time.perf_counter() - _START,
                "sql_seconds": _covered(spans),
                "node_seconds": seconds,
            }
        )
    )


def _covered(spans: list[tuple[float, float]]) -> float:
    """Length of the union of spans."""
    covered = reached = 0.0
    for since, until in sorted(spans):
        covered += max(until - max(since, reached), 0)
        reached = max(reached, until)
    return covered


if __name__ == "__main__":
    main()
