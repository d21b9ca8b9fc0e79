"""Processes that read logs: what runs in one, and the loader's end of them.

A process is a fresh interpreter: no fork of a program with threads, no guard needed in the caller's script.
It starts fast and stays small, since it never imports DuckDB. It waits while the loader is busy, which bounds
what lies between them.
"""

import fcntl
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from multiprocessing.connection import Connection, Pipe, wait
from types import MappingProxyType

import pyarrow as pa

from tracelab.arrow import Batches, arrow_schema
from tracelab.child import child_environment
from tracelab.discover import LogFile
from tracelab.errors import TracelabError
from tracelab.read import Outcome, Reached, read_log
from tracelab.resume import Place

Message = Outcome | Reached | tuple[str, pa.RecordBatch]
"""What reading gives: rows of a table, how far a file is, what became of it (its last rows may yet come)."""

_PIPE_BYTES = 1 << 20
"""Takes a batch whole, where a pipe can be made to: neither end then waits for the other."""
_AHEAD = 2
"""Portions that a process is sent ahead, so that it never waits for the loader."""
_PORTION_BYTES = 2 << 20
"""Small logs are sent as many at a time: each message wakes the loader, which shares the readers' cores."""
_PORTION_PATH_BYTES = 3_000
"""Of names, most of what is sent: it must fit the smallest pipe, or each end may wait for the other."""


def read_here(
    logs: Iterable[LogFile], loaded_at: datetime, places: Mapping[str, Place] = MappingProxyType({})
) -> Iterator[Message]:
    """Read logs in this process; those that have a place, by file_id, from there on."""
    ready: list[Message] = []
    batches = Batches(lambda table, batch: ready.append((table, batch)))
    was_on = gc.isenabled()
    gc.disable()  # as in processes of their own
    try:
        for log in logs:
            ready.append(read_log(log, loaded_at, batches, since=places.get(log.file_id)))
            yield from ready
            ready.clear()
        batches.flush()
        yield from ready
    finally:
        if was_on:
            gc.enable()


@contextmanager
def read_in_processes(
    logs: Iterable[LogFile], loaded_at: datetime, processes: int
) -> Iterator[Iterator[Message]]:
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


def _messages(workers: Sequence["_Worker"], waiting: Iterator[list[LogFile]]) -> Iterator[Message]:
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

    def receive(self) -> Message | list[Outcome] | None:
        """Return the next message, or what became of a portion; None after the last."""
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

    def _read(self, size: int) -> pa.Buffer:
        """Read what follows a message, straight to where Arrow keeps it."""
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


def main() -> None:
    """Read the files that the loader sends, until it sends None; rows and outcomes go back as they come."""
    inbox = Connection(os.dup(0), writable=False)
    outbox = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # what anything prints must not get between the batches
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the loader decides when to stop
    gc.disable()  # rows hold no cycles, and looking for some costs a tenth of the time

    def send(table: str, batch: pa.RecordBatch) -> None:
        data = batch.serialize()  # the loader knows the schema
        outbox.send((table, data.size))
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(outbox.fileno(), rest) :]

    batches = Batches(send)
    with suppress(EOFError, BrokenPipeError):  # the loader is gone: nothing is left to do
        loaded_at = inbox.recv()
        while portion := inbox.recv():
            outbox.send([read_log(log, loaded_at, batches, outbox.send) for log in portion])
        batches.flush()
        outbox.send(None)
    os._exit(0)  # the loader commits now: freeing object by object what was read would hold its core
