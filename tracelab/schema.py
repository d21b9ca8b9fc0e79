"""The raw tables: one NamedTuple a table. DDL, Arrow schemas, `_sources.yml` and the docs all come from here.

Every row says what one source file says and nothing else: no row depends on which other files are loaded, or
in which order. Instants are UTC, tokens and text sizes are counts, durations milliseconds; absent is None.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints


class Column(NamedTuple):
    """One column of a raw table: its name, DuckDB type, what it holds, and whether it may be null."""

    name: str
    sql_type: str
    description: str
    is_nullable: bool


class _Doc(NamedTuple):
    sql_type: str
    description: str


def _text(description: str) -> _Doc:
    return _Doc("varchar", description)


def _count(description: str) -> _Doc:
    return _Doc("bigint", description)


def _flag(description: str) -> _Doc:
    return _Doc("boolean", description)


def _instant(description: str) -> _Doc:
    return _Doc("timestamp", description)


FileId = Annotated[str, _text("Source file: 16 hex digits of SHA-256 of its absolute path.")]
SessionId = Annotated[str, _text("Session (one context) that the row belongs to: claude:… or codex:….")]
StepSeq = Annotated[int, _count("0-based order of first appearance of the step per file and session.")]
Provider = Annotated[str, _text("Client that wrote the log: claude or codex.")]
Model = Annotated[str | None, _text("Model as the log names it (Codex: the requested one).")]
InputTokens = Annotated[int | None, _count("Prompt tokens: prefix + append; null where no usage was logged.")]
PrefixTokens = Annotated[int | None, _count("Prompt tokens read from the cache.")]
AppendTokens = Annotated[int | None, _count("Prompt tokens not read from the cache; includes cache writes.")]
CacheWriteTokens = Annotated[int | None, _count("Append tokens written to the cache, all tiers.")]
CacheWrite5mTokens = Annotated[int | None, _count("Cache writes with a 5-minute lifetime (Claude).")]
CacheWrite1hTokens = Annotated[int | None, _count("Cache writes with a 1-hour lifetime (Claude).")]
OutputTokens = Annotated[int | None, _count("Output tokens, reasoning included.")]
ReasoningTokens = Annotated[int | None, _count("Output tokens spent on reasoning, where the log names them.")]


class File(NamedTuple):
    """One row per source file: what was read of it, how far, and with what result."""

    file_id: FileId
    path: Annotated[str, _text("Absolute path when it was loaded.")]
    provider: Annotated[str | None, _text("claude, codex or published, from the content; null if set aside.")]
    user_name: Annotated[
        str | None,
        _text("Folder under the home root, else the login of who loads; null for paths given by hand."),
    ]
    store: Annotated[str | None, _text("The client's folder it lies in (.claude, .codex/sessions, …).")]
    size_bytes: Annotated[int, _count("Size on disk.")]
    mtime_at: Annotated[datetime, _instant("Modification time, or when the sidecar came, if later.")]
    consumed_bytes: Annotated[int, _count("Bytes read up to the last complete line (decompressed).")]
    consumed_sha256: Annotated[str | None, _text("SHA-256 of the consumed bytes, hex.")]
    lines: Annotated[int, _count("Physical lines, a last one without newline included.")]
    bad_lines: Annotated[int, _count("Non-blank lines that are not one or more whole JSON objects.")]
    objects: Annotated[int, _count("JSON objects decoded.")]
    records_by_type: Annotated[dict[str, int], _Doc("map(varchar, bigint)", "Objects by record type.")]
    steps: Annotated[int, _count("Steps in the file, copies included.")]
    synthetic_rows: Annotated[int, _count("Assistant rows written by the client itself: no step.")]
    rows_without_id: Annotated[int, _count("Assistant rows without a message id: no step.")]
    usage_echoes: Annotated[int, _count("Usage rows that repeat one already counted.")]
    hosted_calls: Annotated[
        int, _count("Calls run by the provider (server tools, web search): no tool call.")
    ]
    first_at: Annotated[datetime | None, _instant("Earliest timestamp of any record.")]
    last_at: Annotated[datetime | None, _instant("Latest timestamp of any record.")]
    loaded_at: Annotated[datetime, _instant("When the row was written.")]
    status: Annotated[str, _text("loaded, partial, failed, set_aside or gone.")]
    error: Annotated[str | None, _text("Why it is not loaded in full; never content.")]


class Session(NamedTuple):
    """One row per source file and session: what the file says of the session."""

    session_id: SessionId
    file_id: FileId
    provider: Provider
    is_own: Annotated[bool, _flag("The session this file belongs to, not one copied into it.")]
    session_kind: Annotated[str, _text("main or subagent.")]
    parent_session_id: Annotated[str | None, _text("Session that started this subagent.")]
    root_session_id: Annotated[str, _text("Conversation that the user sees.")]
    forked_from_session_id: Annotated[str | None, _text("Session whose history this one continues.")]
    agent_type: Annotated[str | None, _text("Kind of subagent, as the client names it.")]
    user_name: Annotated[str | None, _text("Whose log it is (see files).")]
    project: Annotated[str | None, _text("Name of the project: private, the one text taken from a path.")]
    client_version: Annotated[str | None, _text("First version that the file names for the session.")]
    entrypoint: Annotated[str | None, _text("How the client was started (cli, sdk-cli, exec, …).")]
    started_at: Annotated[datetime | None, _instant("Earliest instant of the session in this file.")]
    ended_at: Annotated[datetime | None, _instant("Latest instant of the session in this file.")]
    spawn_tool_call_id: Annotated[
        str | None, _text("Call that started this subagent, where the file names it.")
    ]
    is_published: Annotated[
        bool, _flag("From a published dataset: each row counts as it stands, and says what is final.")
    ] = False
    replays_left_out: Annotated[
        int | None, _count("Copies of other sessions' steps that a published dataset left out of it.")
    ] = None
    forked_from_step_id: Annotated[
        str | None, _text("Last of these copies: the step that it is a copy of, as the dataset names it.")
    ] = None


class Step(NamedTuple):
    """One row per source file, session and step: one model response, as this file tells it."""

    session_id: SessionId
    file_id: FileId
    step_seq: StepSeq
    line_no: Annotated[int, _count("Line of the step's first record, from 1.")]
    provider: Provider
    model: Model
    message_id: Annotated[
        str, _text("What the step's copies share; the provider's own id where it made one.")
    ]
    echo_id: Annotated[
        str | None, _text("Second key of a step: that of the usage row that echoes it (Codex).")
    ]
    usage_source: Annotated[str, _text("response, record, token_count, record_copy or none.")]
    is_inherited: Annotated[bool, _flag("Stands in a part that the file copied from another session.")]
    purpose: Annotated[str | None, _text("compaction, or null for an ordinary response.")]
    turn_id: Annotated[str | None, _text("The client's own turn id (Codex).")]
    calls: Annotated[int, _count("Model calls that the step's tokens add up.")]
    input_tokens: InputTokens
    context_tokens: Annotated[int | None, _count("Size of the prompt: the last own call's input.")]
    prefix_tokens: PrefixTokens
    append_tokens: AppendTokens
    cache_write_tokens: CacheWriteTokens
    cache_write_5m_tokens: CacheWrite5mTokens
    cache_write_1h_tokens: CacheWrite1hTokens
    output_tokens: OutputTokens
    reasoning_tokens: ReasoningTokens
    visible_chars: Annotated[int, _count("Characters of the step's distinct texts and tool inputs.")]
    usage_is_final: Annotated[
        bool | None,
        _flag("False where the output count is a placeholder or missing; null where a dataset cannot tell."),
    ]
    stop_reason: Annotated[str | None, _text("Why the response ended, as logged.")]
    service_tier: Annotated[str | None, _text("Service tier, as logged (Codex: as requested).")]
    speed: Annotated[str | None, _text("Speed mode, as logged.")]
    effort: Annotated[str | None, _text("Reasoning effort, as logged.")]
    client_version: Annotated[str | None, _text("Client version that wrote the step.")]
    context_window_tokens: Annotated[int | None, _count("The model's context window, where logged.")]


class ExtraCall(NamedTuple):
    """One row per source file, session, step and call: model calls that a step's tokens leave out."""

    session_id: SessionId
    file_id: FileId
    step_seq: StepSeq
    call_index: Annotated[int, _count("0-based place among the step's extra calls.")]
    call_type: Annotated[str, _text("advisor, compaction or declined.")]
    model: Model
    input_tokens: InputTokens
    prefix_tokens: PrefixTokens
    append_tokens: AppendTokens
    cache_write_tokens: CacheWriteTokens
    cache_write_5m_tokens: CacheWrite5mTokens
    cache_write_1h_tokens: CacheWrite1hTokens
    output_tokens: OutputTokens
    reasoning_tokens: ReasoningTokens


class ToolCall(NamedTuple):
    """One row per source file, session, step and client tool call."""

    session_id: SessionId
    file_id: FileId
    step_seq: StepSeq
    tool_index: Annotated[int, _count("0-based place among the step's calls.")]
    tool_call_id: Annotated[
        str, _text("What the call's copies share; the provider's own id where it made one.")
    ]
    tool_name: Annotated[str | None, _text("Tool as the log names it.")]
    emitted_at: Annotated[datetime | None, _instant("When the call was logged.")]
    result_at: Annotated[datetime | None, _instant("When its first result was logged.")]
    wall_ms: Annotated[int | None, _count("result_at − emitted_at; negative where the log says so.")]
    internal_ms: Annotated[int | None, _count("The runner's own time.")]
    is_error: Annotated[bool | None, _flag("Whether it failed; null where the log cannot tell.")]
    exit_code: Annotated[int | None, _count("Exit status of a command, where logged.")]
    is_denied: Annotated[bool, _flag("Refused by a person, a hook or a policy.")]
    is_poll: Annotated[bool, _flag("Only waits for something already running.")]
    agent_id: Annotated[str | None, _text("Subagent that the call started, as the log names it.")]
    agent_type: Annotated[str | None, _text("Kind of subagent that the call asked for.")]
    web_searches: Annotated[int | None, _count("Billed searches of a web search call.")]
    input_chars: Annotated[int, _count("Size of its input: characters, or of its compact JSON.")]
    result_chars: Annotated[int | None, _count("Size of its first result.")]


class Event(NamedTuple):
    """One row per source file and event: an input or output of a step, or an input that led to none."""

    file_id: FileId
    session_id: SessionId
    step_seq: Annotated[int | None, _count("The step it is input or output of; null: of no step.")]
    event_index: Annotated[int, _count("0-based order in the log, per file.")]
    event_id: Annotated[str, _text("What the event's copies share.")]
    block_index: Annotated[int, _count("0-based place within the record, per event_id.")]
    event_type: Annotated[
        str, _text("user_message, tool_result, reasoning, text, tool_call or usage_report.")
    ]
    started_at: Annotated[datetime | None, _instant("When it began, where the log says so.")]
    event_at: Annotated[datetime | None, _instant("When it was logged; null if the copy was re-stamped.")]
    message_kind: Annotated[
        str | None,
        _text(
            "Of a user_message: human, agent, meta, command, command_output, interrupt, compact_summary, "
            "notification or environment."
        ),
    ]
    tool_call_id: Annotated[str | None, _text("Of a tool_call or tool_result: the call.")]
    content_chars: Annotated[int | None, _count("Size of its content in characters.")]
    is_error: Annotated[bool | None, _flag("Of a tool_result: whether it reports a failure.")]


class Compaction(NamedTuple):
    """One row per compaction marker in a source file."""

    file_id: FileId
    session_id: SessionId
    compaction_id: Annotated[str, _text("What the marker's copies share.")]
    before_step_seq: Annotated[int | None, _count("step_seq of the session's next step in the file.")]
    compacted_at: Annotated[datetime | None, _instant("When the marker was logged.")]
    compaction_trigger: Annotated[str | None, _text("auto or manual, where the log says.")]
    pre_tokens: Annotated[int | None, _count("Context size before.")]
    post_tokens: Annotated[int | None, _count("Context size after (Codex: an estimate).")]


class ClientTotal(NamedTuple):
    """One row per source file, session and model: the client's own running total, a cross-check."""

    session_id: SessionId
    file_id: FileId
    model: Annotated[str, _text("Model as the client names it.")]
    input_tokens: Annotated[int | None, _count("Uncached prompt tokens.")]
    prefix_tokens: Annotated[int | None, _count("Prompt tokens read from the cache.")]
    cache_write_tokens: CacheWriteTokens
    output_tokens: OutputTokens
    reasoning_tokens: ReasoningTokens
    web_searches: Annotated[int | None, _count("Billed searches.")]
    cost_usd: Annotated[float | None, _Doc("double", "The client's own cost estimate.")]


class LoadIssue(NamedTuple):
    """One row per problem met while loading."""

    file_id: FileId
    line_no: Annotated[int | None, _count("Line of the problem, from 1.")]
    byte_offset: Annotated[int | None, _count("Offset of that line in the (decompressed) file.")]
    reason: Annotated[
        str, _text("bad_line, wrong_type, unreadable, vanished, not_a_log, … (docs/tables.md).")
    ]
    detail: Annotated[str | None, _text("What was expected or missing; never content.")]


Row = (
    File | Session | Step | ExtraCall | ToolCall | Event | Compaction | ClientTotal | LoadIssue
)  # fmt: skip

Values = tuple[Any, ...] | list[Any]
"""A row's values in the order of its columns: what a row type makes a name for, without the cost."""
Rows = tuple[type[Row], Iterable[Values]]
"""Rows of one table."""

TABLES: dict[str, type[Row]] = {
    "files": File,
    "sessions": Session,
    "steps": Step,
    "extra_calls": ExtraCall,
    "tool_calls": ToolCall,
    "events": Event,
    "compactions": Compaction,
    "client_totals": ClientTotal,
    "load_issues": LoadIssue,
}
"""Table name → row type: what `raw` holds."""


class Bookmark(NamedTuple):
    """One row per source file that was read: the loader's own notes on it, which no model reads."""

    file_id: str
    ctime_ns: int
    """When anything of the file had last changed: no program can set that, as it can the time of writing.

    Where a sidecar was read with it, the sidecar's time is added."""
    place: bytes | None
    """Where to go on if it grows, encoded."""


CREATE_BOOKMARKS = (
    "create schema if not exists loader;"
    "create table if not exists loader.bookmarks"
    " (file_id varchar not null, ctime_ns bigint not null, place blob)"
)


def columns(row_type: type[Row]) -> Iterator[Column]:
    """Yield a raw table's columns in order."""
    for name, hint in get_type_hints(row_type, include_extras=True).items():
        if get_origin(hint) is Annotated:
            held, doc = get_args(hint)[:2]
            yield Column(name, doc.sql_type, doc.description, type(None) in get_args(held))


def create_table(name: str) -> str:
    """Return the DDL of one raw table, with comments left to `_sources.yml`."""
    body = ", ".join(
        f"{column.name} {column.sql_type}{'' if column.is_nullable else ' not null'}"
        for column in columns(TABLES[name])
    )
    return f"create table if not exists raw.{name} ({body})"
