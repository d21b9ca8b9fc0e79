"""Many logs read, one after another: in the loader's process, or in one that does nothing else (`main`)."""

import gc
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from multiprocessing.connection import Connection
from types import MappingProxyType

import pyarrow as pa

from tracelab.arrow import Batches
from tracelab.discover import LogFile
from tracelab.read import Outcome, Reached, read_log
from tracelab.resume import Place

Message = Outcome | Reached | tuple[str, pa.RecordBatch]
"""What reading gives: rows of a table, how far a file is, what became of it (its last rows may yet come)."""


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


def main() -> None:
    """Read the files that `processes` sends, until it sends None; rows and outcomes go back as they come."""
    inbox = Connection(os.dup(0), writable=False)
    outbox = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # what anything prints must not get between the batches
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
