"""The loader's end of the processes that read logs; what runs in one is in `worker`.

A process is a fresh interpreter: no fork of a program with threads, no guard needed in the caller's script.
It starts fast and stays small, since it never imports DuckDB. It waits while the loader is busy, which bounds
what lies between them. Nothing heavy is imported here before they are started, so that they start meanwhile.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from multiprocessing.connection import Pipe, wait
from typing import TYPE_CHECKING

from tracelab.child import child_environment
from tracelab.discover import LogFile
from tracelab.errors import TracelabError

if TYPE_CHECKING:
    import pyarrow as pa

    from tracelab.read import Outcome
    from tracelab.worker import Message

_PIPE_BYTES = 1 << 20
"""Takes a batch whole, where a pipe can be made to: neither end then waits for the other."""
_AHEAD = 2
"""Portions that a process is sent ahead, so that it never waits for the loader."""
_PORTION_BYTES = 2 << 20
"""Small logs are sent as many at a time: each message wakes the loader, which shares the readers' cores."""
_PORTION_PATH_BYTES = 3_000
"""Of names, most of what is sent: it must fit the smallest pipe, or each end may wait for the other."""


@contextmanager
def read_in_processes(
    logs: Iterable[LogFile], loaded_at: datetime, processes: int
) -> Iterator[Iterator["Message"]]:
    """Read logs in processes of their own, at work from the start, each taking the next when it is done.

    Raises:
        TracelabError: if a process dies.
    """
    waiting = _portions(logs)
    workers = [_Worker(loaded_at) for _ in range(processes)]
    try:
        for worker in workers * _AHEAD:
            worker.give(next(waiting, None))
        yield _messages(workers, waiting)
    finally:
        for worker in workers:
            worker.stop()


def _portions(logs: Iterable[LogFile]) -> Iterator[list[LogFile]]:
    portion, size, path_bytes = list[LogFile](), 0, 0
    for log in logs:
        name_bytes = len(os.fsencode(log.path)) + 100
        if portion and (size >= _PORTION_BYTES or path_bytes + name_bytes > _PORTION_PATH_BYTES):
            yield portion
            portion, size, path_bytes = [], 0, 0
        portion.append(log)
        size += log.size_bytes
        path_bytes += name_bytes
    if portion:
        yield portion


def _messages(workers: Sequence["_Worker"], waiting: Iterator[list[LogFile]]) -> Iterator["Message"]:
    running = {worker.results: worker for worker in workers}
    while running:
        for results in wait(list(running)):
            worker = running[results]  # type: ignore[index]
            message = worker.receive()
            if message is None:
                del running[worker.results]
                continue
            if isinstance(message, list):
                worker.give(next(waiting, None))
                yield from message
            else:
                yield message


class _Worker:
    """The loader's end of one process."""

    def __init__(self, loaded_at: datetime) -> None:
        stdin, self._tasks = Pipe(duplex=False)
        self.results, stdout = Pipe(duplex=False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):  # whoever has many large pipes gets no more
                fcntl.fcntl(self.results.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from tracelab.worker import main; main()"],
            stdin=stdin.fileno(),
            stdout=stdout.fileno(),
            env=child_environment(),
            process_group=0,  # an interrupt is the loader's alone: it decides when to stop
        )
        stdin.close()
        stdout.close()
        self._is_told_all = False
        self._send(loaded_at)

    def give(self, portion: list[LogFile] | None) -> None:
        """Send files to read, or None: no more will come."""
        if not self._is_told_all:
            self._send(portion)
            self._is_told_all = portion is None

    def _send(self, message: list[LogFile] | datetime | None) -> None:
        with suppress(BrokenPipeError):  # that it died will show where its answer is missing
            self._tasks.send(message)

    def receive(self) -> "Message | list[Outcome] | None":
        """Return the next message, or what became of a portion; None after the last."""
        import pyarrow as pa

        from tracelab.arrow import arrow_schema
        from tracelab.read import Reached

        try:
            message = self.results.recv()
            if not isinstance(message, tuple) or isinstance(message, Reached):
                return message
            table, size = message
            return table, pa.ipc.read_record_batch(self._read(size), arrow_schema(table))
        except EOFError:
            raise TracelabError(
                f"a reading process ended before its time (status {self._process.wait()});"
                " nothing was loaded: is memory short? then try again"
            ) from None

    def _read(self, size: int) -> "pa.Buffer":
        """Read what follows a message, straight to where Arrow keeps it."""
        import pyarrow as pa

        buffer = pa.allocate_buffer(size)
        rest = memoryview(buffer)
        while rest:
            count = os.readv(self.results.fileno(), [rest])
            if not count:
                raise EOFError
            rest = rest[count:]
        return buffer

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._tasks.close()
        self.results.close()
