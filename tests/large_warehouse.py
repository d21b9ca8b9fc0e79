"""Raw tables of 68,000 steps: the sample's sessions many times over, no two alike, made by SQL alone.

Logs of as many are a third of a gigabyte, and take a minute to write and to load.
"""

from collections.abc import Iterator
from pathlib import Path

from tracelab import schema
from tracelab.warehouse import open_for_writing

COPIES = 170
"""Of each conversation: as many sessions as the paper has, a few of thousands of steps."""
_ROUNDS = f"""
    create temp table rounds as
    with
        conversations as (
            select
                root_session_id, min(started_at) as started_at, max(ended_at) - min(started_at) as lasted
            from sample.raw.sessions
            where is_own
            group by root_session_id
        ),
        copies as (
            select *, hash(root_session_id, copy) / 2.0 ** 64 as draw
            from conversations
            cross join range({COPIES}) as copies(copy)
        )
    select
        *,
        0.3 + 1.4 * hash(round, copy, root_session_id) / 2.0 ** 64 as size,
        -- no round begins before the one before it has ended
        to_hours(5 * copy) + round * (2 * lasted + to_seconds((3600 * draw)::bigint)) as later
    from copies, range(least(1 + (0.05 * (1 / draw - 1))::bigint, 300)) as rounds(round)
"""
"""A copy goes on with the same work, each round later, with prompts and times of another size."""
_SESSIONS = ("session_id", "root_session_id", "parent_session_id", "forked_from_session_id")
_OF_A_ROUND = ("message_id", "echo_id", "turn_id", "tool_call_id", "event_id", "compaction_id")
_PLACES = ("step_seq", "before_step_seq", "event_index")


def large_raw(sample: Path, db: Path) -> Path:
    """Make a warehouse whose raw tables are many times the sample's."""
    with open_for_writing(db) as warehouse:
        warehouse.execute("set threads = 2; set memory_limit = '1GB'")
        warehouse.execute(f"attach '{sample}' as sample (read_only)")
        warehouse.execute(_ROUNDS)
        for table in schema.TABLES:
            columns = ", ".join(_columns(table))
            rows = f"sample.raw.{table} cross join range({COPIES}) as rounds(copy)"
            if table not in ("files", "load_issues"):
                of_a_copy = "and round = 0" if table in ("sessions", "client_totals") else ""
                rows = f"""
                    sample.raw.{table} as {table}
                    inner join
                        (
                            select session_id, min(root_session_id) as of_root
                            from sample.raw.sessions
                            group by session_id
                        ) using (session_id)
                    inner join rounds on rounds.root_session_id = of_root {of_a_copy}
                """
            warehouse.execute(f"insert into raw.{table} select {columns} from {rows}")
    return db


def _columns(table: str) -> Iterator[str]:
    """Say what becomes of each column of a raw table in a round of a copy."""
    prompt = f"floor({table}.prefix_tokens * size) + floor({table}.append_tokens * size)"
    for name, sql_type, *_ in schema.columns(schema.TABLES[table]):
        column = f"{table}.{name}"
        if name in _SESSIONS:
            yield f"replace({column}, ':', ':' || copy || '-')"
        elif name == "spawn_tool_call_id":
            yield f"{column} || '-' || copy || '-0'"
        elif name in ("file_id", "path"):
            yield f"{column} || '-' || copy"
        elif name in _OF_A_ROUND:
            yield f"{column} || '-' || copy || '-' || round"
        elif name in _PLACES:
            yield f"{column} + 10000 * round"
        elif name in ("input_tokens", "context_tokens") and table != "client_totals":
            yield f"if({column} = {table}.input_tokens, {prompt}, floor({column} * size))"
        elif sql_type == "timestamp" and table != "files":
            since = f"floor(epoch_ms({column} - rounds.started_at) * size)"
            yield f"rounds.started_at + later + to_milliseconds({since})"
        elif name.endswith(("_tokens", "_ms")) and name != "context_window_tokens":
            yield f"floor({column} * size)"
        else:
            yield column
