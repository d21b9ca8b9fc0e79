"""Block ids: integers that say which leading part of a prompt stood in the prompt before.

Logs count tokens and keep none, so that ids are made: a step keeps as many leading ids of its session's step
before as whole blocks were reusable, and takes fresh ids for the rest, the last, partial block included.
"""

from typing import TextIO

import duckdb

FETCH_ROWS = 10_000


def block_columns(block_size: int, *, partial: bool) -> str:
    """Return the SQL of the columns `kept_blocks` and `blocks` of `workload_steps`.

    Args:
        block_size: tokens a block.
        partial: whether a last block that is not full has an id too.
    """
    tokens = f"input_tokens + {block_size - 1}" if partial else "input_tokens"
    return f"reusable_tokens // {block_size} as kept_blocks, ({tokens}) // {block_size} as blocks"


class BlockIds:
    """The ids of one file, from one counter.

    A prompt has hundreds of blocks and shares most with the one before it, so that lists are kept and cut as
    the text they are written as. All ids of a file have equally many digits: the place of each follows.
    """

    def __init__(self, fresh_blocks: int) -> None:
        """Begin a file that takes at most so many fresh ids."""
        digits = 1
        while 9 * 10 ** (digits - 1) < fresh_blocks:
            digits += 1
        self._next = 10 ** (digits - 1)
        self._width = digits + len(",")
        self._lists: dict[str, str] = {}
        self.kept_blocks = 0
        """Blocks so far that a cache would have held."""

    def take(self, session: str, kept: int, blocks: int) -> str:
        """Return a step's ids with commas between: `kept` leading ones of the step before, the rest fresh."""
        self.kept_blocks += kept
        ids = self._grown(self._lists.get(session, "")[: kept * self._width], blocks)
        self._lists[session] = ids
        return ids[:-1]

    def take_warm(self, session: str, group: str, shared: int, blocks: int) -> str:
        """Return the ids of a session's first step, which begin with `shared` blocks of its group."""
        known = self._lists.get(group, "")
        there = min(len(known) // self._width, shared)
        if there < shared:
            known = self._lists[group] = self._grown(known, shared)
        self._lists[session] = known
        self.kept_blocks += there - shared
        return self.take(session, shared, blocks)

    def take_forked(self, session: str, origin: str, shared: int, blocks: int) -> str:
        """Return the ids of a session's first step, which begin with up to `shared` of its origin."""
        known = self._lists[session] = self._lists.get(origin, "")
        return self.take(session, min(len(known) // self._width, shared), blocks)

    def _grown(self, ids: str, blocks: int) -> str:
        first = self._next
        self._next += blocks - len(ids) // self._width
        return ids + "".join([f"{block}," for block in range(first, self._next)])


def with_ids(row: str, ids: str) -> str:
    """Add the ids to a row, which is a JSON object."""
    return f'{row[:-1]},"hash_ids":[{ids}]}}'


def write_lines(cursor: duckdb.DuckDBPyConnection, ids: BlockIds, out: TextIO) -> None:
    """Write a line a step.

    The cursor gives session, of a step that starts warm its origin or else its group, kept, blocks and row.
    """
    while rows := cursor.fetchmany(FETCH_ROWS):
        for session, origin, group, kept, blocks, row in rows:
            if origin:
                taken = ids.take_forked(session, origin, kept, blocks)
            elif group:
                taken = ids.take_warm(session, group, kept, blocks)
            else:
                taken = ids.take(session, kept, blocks)
            out.write(with_ids(row, taken) + "\n")
