"""Ad-hoc SQL that cannot hurt: one reading statement, run in a guarded child process (`sql_child`).

The child may not write, reach files or the network, change settings, or take more than its share of memory;
this side ends it when its time is up. The answer is streamed, and may be larger than memory.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from tracelab.child import child_environment
from tracelab.errors import TracelabError
from tracelab.files import check_no_warehouse, replacing, unwritten

Format = Literal["table", "csv", "json", "parquet"]

TIME_LIMIT_S = 60.0
"""How long a query may keep its reader waiting."""
_CHUNK_BYTES = 1 << 16


def run_sql(
    db: Path, query: str, out: BinaryIO, *, format: Format = "table", time_limit_s: float = TIME_LIMIT_S
) -> None:
    """Answer one query on the warehouse, and write the answer to `out` as it comes.

    `table` shows a person the first rows, and says on standard error what it leaves out; `csv`, `json` (one
    array of objects) and `parquet` hold every row.

    Raises:
        TracelabError: if the query is not one reading statement, is wrong, or passes its limits.
    """
    job = json.dumps(
        {"db": str(db.absolute()), "query": query, "format": format, "time_limit_s": time_limit_s}
    )
    command = [sys.executable, "-P", "-m", "tracelab.sql_child"]
    with tempfile.TemporaryFile() as ask, tempfile.TemporaryFile() as talk:
        ask.write(job.encode())
        ask.seek(0)
        with subprocess.Popen(
            command, stdin=ask, stdout=subprocess.PIPE, stderr=talk, env=child_environment()
        ) as child:
            try:
                for chunk in _chunks(child, time_limit_s):
                    out.write(chunk)
                out.flush()
            except BaseException:
                child.kill()
                raise
        talk.seek(0)
        _judge(child.returncode, talk.read().decode("utf-8", "replace").strip())


def write_sql(db: Path, query: str, path: Path, *, format: Format = "table") -> None:
    """Answer one query into a file, which is there whole or not at all.

    Raises:
        TracelabError: as `run_sql`, or if the file is the warehouse or cannot be written.
    """
    check_no_warehouse(path, db, "--output")
    try:
        with replacing(path, str(os.getpid())) as partial, partial.open("wb") as out:
            run_sql(db, query, out, format=format)
    except OSError as error:
        raise unwritten(path, error, "--output") from error


def _chunks(child: subprocess.Popen[bytes], seconds: float) -> Iterator[bytes]:
    """Yield what the child writes; only time spent waiting for it counts, not what the reader takes."""
    pipe = child.stdout
    assert pipe is not None
    left_s = seconds
    while True:
        since = time.monotonic()
        if not select.select([pipe], [], [], max(left_s, 0))[0]:
            raise TracelabError(
                f"the query took longer than {seconds:.0f} s and was stopped: filter it, or ask a summary"
            )
        chunk = os.read(pipe.fileno(), _CHUNK_BYTES)
        left_s -= time.monotonic() - since
        if not chunk:
            return
        yield chunk


def _judge(status: int, talk: str) -> None:
    """Pass on what the child said: a note where it answered, an error where it did not."""
    if status == 0:
        if talk:
            print(talk, file=sys.stderr)
    elif status > 0 and talk:
        raise TracelabError(talk)
    else:
        raise TracelabError("the query needed more memory than it may take: filter or aggregate it")
