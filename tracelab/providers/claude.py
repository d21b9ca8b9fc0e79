"""Claude Code's session logs: records of one file in, raw rows out.

One API message is one step, however many rows it is streamed over. Inputs wait in their context for its next
step; an input that an assistant row of another context descends from belongs to that context.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, count
from typing import Any

from tracelab.providers.base import (
    Portion,
    Provider,
    Source,
    Tally,
    content_chars,
    global_id,
    is_before,
    is_count,
    is_known,
    lenient,
    raw_chars,
    refuse_time,
    short,
)
from tracelab.providers.claude_compactions import Compactions
from tracelab.providers.claude_lineage import Lineage, origin_of
from tracelab.providers.claude_records import (
    AgentInput,
    Attachment,
    Block,
    ClaudeRecord,
    ForkedFrom,
    Message,
    ModelTotal,
    ProgressData,
    blocks_of,
    prompt_texts,
    queued_kind,
    row_kind,
    text_kind,
)
from tracelab.providers.claude_state import (
    AGENT_TOOLS,
    CallState,
    Context,
    Input,
    InputEvent,
    StepState,
    client_total,
)
from tracelab.schema import ClientTotal, Compaction, Event, ExtraCall, Rows, Session, Step, ToolCall, Values

_SYNTHETIC = "<synthetic>"
_NO_MESSAGE = Message()
_HOSTED = frozenset({"server_tool_use", "mcp_tool_use"})
_REASONING = frozenset({"thinking", "redacted_thinking"})
_PICTURES = frozenset({"image", "document"})

_PROMPTS = ("human", "agent")


class _Log:
    """State of one file; events that are final gather in `ready`."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self.ready: list[Values] = []
        self.compacted: list[Values] = []
        """Rows of compactions."""
        self.file_id = source.file_id
        self.tally = tally
        self.mark = source.mark
        self.lineage = Lineage(source, tally)
        self.types = defaultdict[str, int](int)  # adding to a Counter takes three times as long
        self.event_indexes = count()
        self.calls: dict[str, CallState] = {}
        self.counted: dict[str, CallState] = {}
        """The latest call of each id that is a count: in each context, and (by the bare id) in the file."""
        self.hosted: set[str] = set()
        self.compactions = Compactions(self.lineage)
        self.visible_texts: set[int] = set()  # marks, together with their message
        self.queued: list[tuple[Input, int | None]] = []
        """Prompts queued while the model worked, and the steps that took them."""
        self.unsent = defaultdict[int, deque[Input]](deque)
        """Of these, by the mark of each text, those that no user row has said yet."""
        self.said = defaultdict[int, list[datetime | None]](list)
        """When user rows that stand for no prompt yet said a text, by its mark."""
        self.awaited: dict[str, StepState] = {}
        """Steps by the row they answer, where that is yet to come: logs may be out of order."""
        self.totals: dict[str, dict[str, ModelTotal]] = {}
        self.latest: StepState | None = None
        """The step of the latest row: alone not settled yet, its next row may say the same again."""
        self.names: dict[str | None, str | None] = {}
        """Of models, versions and the like: one string for all that are equal."""
        self.extra_calls = 0
        """At most so many does `settle` keep."""

    def __getstate__(self) -> dict[str, Any]:
        self.next_event = next(self.event_indexes)
        self.event_indexes = count(self.next_event)
        return self.__dict__ | {"tally": None, "mark": None, "event_indexes": None}

    def go_on(self, source: Source, tally: Tally) -> None:
        """Go on reading the file, having been pickled."""
        self.tally, self.mark, self.event_indexes = tally, source.mark, count(self.next_event)
        self.lineage.go_on(source)

    def rows(self, portions: Iterator[Portion[ClaudeRecord]]) -> Iterator[Rows]:
        """Turn the records into raw rows."""
        read, ready, tally = self.read, self.ready, self.tally
        for number, records in portions:
            for tally.line_no, record in enumerate(records, number):
                read(record)
            yield Event, ready
            ready.clear()
        yield from self.finish()

    def count_types(self) -> None:
        """Bring the tally's counts of record types up to date."""
        for name, records in self.types.items():
            self.tally.count_type(name, records)
        self.types.clear()

    def held_bytes(self) -> int:
        """Estimate, rather too high, the memory of what is kept of the file until it ends."""
        self.count_types()
        usage = self.latest and self.latest.usage
        extra_calls = self.extra_calls + len((usage and usage.iterations) or ())
        return (
            self.lineage.held_bytes()
            + 700 * len(self.calls)
            + 200 * len(self.counted)
            + 350 * extra_calls
            + 700 * (len(self.compacted) + sum(map(len, self.totals.values())))
            + 300 * len(self.tally.records_by_type)
            + 700 * (len(self.names) + len(self.totals) + len(self.hosted) + len(self.awaited))
            + 200 * self.compactions.boundaries
            + 100 * len(self.visible_texts)
            + sum(300 + 100 * len(said) for said in self.said.values())
            + 300 * sum(map(len, self.unsent.values()))
            + sum(waiting.held_bytes() for waiting, _ in self.queued)
        )

    def read(self, record: ClaudeRecord) -> None:
        """Take in one record."""
        kind, name, at = record.type, record.subtype, record.timestamp
        if at is not None:
            if is_known(at):
                self.tally.seen(at)
            else:
                refuse_time(self.tally)
                record.timestamp = None
        if record.is_sidechain:
            self.lineage.follow_sidechain(record)
        if kind == "assistant":
            self._assistant(record)
        elif kind == "user":
            self.lineage.link(record, self._user(record))
        elif kind == "progress":
            name = self._progress(record)
        elif kind == "attachment":
            name = self._attachment(record)
        elif kind == "system":
            self._system(record)
        else:
            self._note(record)
        self.types[f"{kind}/{name}" if name else f"{kind}"] += 1

    def finish(self) -> Iterator[Rows]:
        """Yield what is known only at the end of the file."""
        self.count_types()
        contexts = self.lineage.contexts.values()
        for context in contexts:
            self._release_held(context, None)
            for waiting in context.pending:
                self._take(waiting, None)
        for waiting, step_seq in self.queued:
            if not waiting.is_sent:
                waiting.context.seen(waiting.at)
                waiting.release(self.file_id, step_seq, self.ready, self.compacted)
        yield Event, self.ready
        yield Compaction, self.compacted
        self._settle()
        file_id = self.file_id
        for context in contexts:
            yield Step, (step.row(file_id, self.tally) for step in context.steps.values())
        if self.extra_calls:
            steps = chain.from_iterable(context.steps.values() for context in contexts)
            yield ExtraCall, chain.from_iterable(step.extra_calls(file_id) for step in steps)
        calls = self.calls.values()
        yield ToolCall, (call.row(file_id, call.step) for call in calls if call.step is not None)
        yield Session, self.lineage.rows(self.calls)
        totals = ((name, *total) for name, models in self.totals.items() for total in models.items())
        yield ClientTotal, (client_total(file_id, *total) for total in totals)
        for context in contexts:
            context.steps.clear()  # which know their context: readers collect no garbage, so leave no cycle

    # Messages

    def _assistant(self, record: ClaudeRecord) -> None:
        """Take an assistant row: a model's response, or words of the client's own, or unusable."""
        message = record.message if isinstance(record.message, Message) else _NO_MESSAGE
        message_id = message.id
        if record.is_api_error_message or message_id == _SYNTHETIC or message.model == _SYNTHETIC:
            self.tally.synthetic_rows += 1
            self.lineage.link(record)
        elif not message_id:
            self.tally.rows_without_id += 1
            self.tally.issue("no_message_id")
            self.lineage.link(record)
        else:
            self._response(record, message, message_id)

    def _response(self, record: ClaudeRecord, message: Message, message_id: str) -> None:
        context = self.lineage.context(record)
        if self.lineage.linked:
            self.lineage.draw(record.parent_uuid, context)
        step = context.steps.get(message_id) or self._open_step(message_id, record, context)
        if step is not self.latest:
            self._settle()
            self.latest = step
        step.weigh(record, message)
        context.seen(record.timestamp)
        name = context.take(record)
        if name is not None:
            for index, block in enumerate(blocks_of(message)):
                self._output(block, index, step, record, name)

    def _open_step(self, message_id: str, record: ClaudeRecord, context: Context) -> StepState:
        """Begin the step of a message id seen for the first time: all that is pending is its input."""
        message_id = short(message_id)
        if message_id in context.steps:
            return context.steps[message_id]
        seq = len(context.steps)
        is_inherited = record.forked_from is not None and origin_of(record) is not None
        step = context.steps[message_id] = StepState(
            context, seq, self.tally.line_no, global_id(message_id, context.conversation), is_inherited
        )
        self.tally.steps += 1
        if record.parent_uuid is not None and record.parent_uuid not in context.records:
            self.awaited[record.parent_uuid] = step
        if context.held:
            self._release_held(context, seq)
        for waiting in context.pending:
            if waiting.early:
                waiting.step_seq = seq
                context.held.append(waiting)
                if waiting.is_linked:
                    self.lineage.settle(waiting)
            else:
                self._take(waiting, seq)
        context.pending.clear()
        context.marker = None
        return step

    def _settle(self) -> None:
        if self.latest is not None:
            self.extra_calls += self.latest.settle(self._shared)

    def _shared(self, name: str | None) -> str | None:
        return self.names.setdefault(name, name)

    def _release_held(self, context: Context, next_seq: int | None) -> None:
        """Give on results that came before their calls: to their step, unless that made the call."""
        for waiting in context.held:
            is_own = any(
                call.step is not None and call.step.context is context and call.step.seq == waiting.step_seq
                for call in waiting.early
            )
            self._take(waiting, next_seq if is_own else waiting.step_seq)
        context.held.clear()

    def _output(self, block: Block, index: int, step: StepState, record: ClaudeRecord, name: str) -> None:
        """Take a block of a response: an output event, and a call if it is one."""
        kind, call_id = block.type, None
        if kind == "tool_use":
            call = self._use(block, step, record)
            if call is None:
                return
            event_type, call_id, chars = "tool_call", call.id, call.input_chars
        elif kind == "text":
            event_type, chars = "text", self._show(block.text or "", step)
        elif kind in _REASONING:
            event_type, chars = "reasoning", len(block.thinking or "")
        else:
            if kind in _HOSTED:
                self._count_hosted(block.id)
            return
        self.ready.append(
            (
                self.file_id,
                step.context.id,
                step.seq,
                next(self.event_indexes),
                name,
                index,
                event_type,
                None,
                record.timestamp,
                None,
                call_id,
                chars,
                None,
            )
        )

    def _show(self, text: str, step: StepState) -> int:
        """Measure a visible text; one that its message logs twice counts once."""
        mark = self.mark((step.message_id, text))
        if mark not in self.visible_texts:
            self.visible_texts.add(mark)
            step.visible_chars += len(text)
        return len(text)

    def _use(self, block: Block, step: StepState, record: ClaudeRecord) -> CallState | None:
        """Take the use of a tool; None if it has no id, which is told of, or the file told it before."""
        call_id = block.id
        if call_id is None:
            self.tally.issue("wrong_type", "$.message.content: Expected `id` of a tool_use")
            return None
        if is_count(call_id):
            call: CallState | None = self._counted(call_id, step, record.timestamp)
        else:
            call = self._call(call_id, step.context)
        if call is None or call.step is not None:
            return None
        name, chars = block.name, raw_chars(block.input)
        call.step, call.index, call.emitted_at = step, step.tools, record.timestamp
        call.name = self._shared(name)
        call.input_chars = chars
        if name in AGENT_TOOLS and (asked := lenient(block.input, AgentInput, self.tally)):
            call.agent_type = asked.subagent_type
        step.tools += 1
        step.visible_chars += chars
        return call

    def _call(self, tool_use_id: str | None, context: Context) -> CallState | None:
        """State of a call, by its use or its result, whichever comes first."""
        call = self.calls.get(tool_use_id or "")  # only global ids are keys as they are
        if call is None and tool_use_id:
            if is_count(tool_use_id):
                calls, call_id = self.counted, f"{context.id}/{tool_use_id}"
                latest = calls.get(tool_use_id)  # a row may not name its context
                if call_id not in calls and latest is not None and latest.is_error is None:
                    return latest
            else:
                calls, call_id = self.calls, global_id(tool_use_id, context.conversation)
            call = calls.get(call_id)
            if call is None:
                call = calls[call_id] = CallState(call_id)
        return call

    def _counted(self, tool_use_id: str, step: StepState, at: datetime | None) -> CallState:
        """State of a call by its use, where the id is a count: its message tells it from those before."""
        key, call_id = f"{step.context.id}/{tool_use_id}", f"{step.message_id}/{tool_use_id}"
        call = self.calls.get(call_id)
        if call is None:
            early = self.counted.get(key)
            if early is None or early.step is not None or is_before(early.result_at, at):
                early = None  # if a result, then of a call that the log has lost
            call = early or CallState(call_id)
            self.calls[call_id] = self.counted[key] = self.counted[tool_use_id] = call
        return call

    def _count_hosted(self, block_id: str | None) -> None:
        name = block_id and short(block_id)
        if name not in self.hosted:
            self.tally.hosted_calls += 1
            if name is not None:
                self.hosted.add(name)

    # Inputs

    def _take(self, waiting: Input, step_seq: int | None) -> None:
        """Give an input to its step, or to none."""
        if waiting.is_linked:
            self.lineage.settle(waiting)
        if waiting.is_queued:
            self.queued.append((waiting, step_seq))
        else:
            waiting.context.seen(waiting.at)
            waiting.release(self.file_id, step_seq, self.ready, self.compacted)

    def _user(self, record: ClaudeRecord) -> Input | None:
        """Take a user row: its tool results, and one message for all its texts."""
        message = record.message
        if not isinstance(message, Message):
            self._expect_object(message, "message")
            return None
        context = self.lineage.context(record)
        blocks = blocks_of(message)
        if not context.steps:
            context = self._caller(blocks) or context
        name = context.take(record)
        if name is None:
            return None
        is_sole = len(blocks) == 1 or sum(block.type == "tool_result" for block in blocks) == 1
        waiting = Input(context, record.timestamp)
        said: list[tuple[int, str, int]] = []  # place, kind, characters
        for index, block in enumerate(blocks):
            kind = block.type
            if kind == "tool_result":
                waiting.events.append(self._result(block, index, record, waiting, name, is_sole))
            elif kind == "text":
                text = block.text or ""
                self._say(self.mark(text.strip()), record.timestamp)
                said.append((index, _kind(record, text, context), len(text)))
            elif kind in _PICTURES:
                said.append((index, _kind(record, "", context), raw_chars(block.source)))
        if said:
            index, kind, _ = next((words for words in said if words[1] in _PROMPTS), said[0])
            waiting.say(next(self.event_indexes), name, index, kind, sum(chars for _, _, chars in said))
            if kind == "compact_summary":
                self.compactions.summary(record, name, waiting)
        if not waiting.events:
            return None
        answer = self.awaited.pop(record.uuid or "", None)
        if answer is not None:
            waiting.context = answer.context
            answer.context.records.add(name)
            self._take(waiting, answer.seq)
            return None
        context.pending.append(waiting)
        return waiting

    def _say(self, mark: int, at: datetime | None) -> None:
        """Let a user row of a queued prompt's words stand for the prompt: each row for one, the earliest."""
        unsent = self.unsent.get(mark)
        while unsent:
            waiting = unsent.popleft()
            if not waiting.is_sent:
                waiting.is_sent = True
                return
        self.said[mark].append(at)

    def _caller(self, blocks: list[Block]) -> Context | None:
        """Context of the call that a row holds a result of: it may bear the id of a session without steps."""
        for block in blocks:
            name = block.tool_use_id or ""
            call = self.calls.get(name) or self.counted.get(name)
            if call is not None and call.step is not None:
                return call.step.context
        return None

    def _result(
        self, block: Block, index: int, record: ClaudeRecord, waiting: Input, name: str, is_sole: bool
    ) -> InputEvent:
        """Take a tool result; what the runner says of the row is of its sole result, or of none."""
        chars, call_id = content_chars(block.content), None
        if block.tool_use_id is None:
            self.tally.issue("wrong_type", "$.message.content: Expected `tool_use_id` of a tool_result")
        call = self._call(block.tool_use_id, waiting.context)
        if call is not None:
            call_id = call.id
            call.end(block, record, chars, is_sole)
            if call.step is None:
                waiting.early.append(call)
        return (
            next(self.event_indexes),
            name,
            index,
            "tool_result",
            None,
            record.timestamp,
            None,
            call_id,
            chars,
            block.is_error is True,
        )

    def _attachment(self, record: ClaudeRecord) -> str | None:
        """Take a prompt that was queued while the model worked; return the attachment's type."""
        attachment = record.attachment
        if not isinstance(attachment, Attachment):
            self._expect_object(attachment, "attachment")
            return None
        waiting = None
        if attachment.type == "queued_command":
            context = self.lineage.context(record)
            name = context.take(record)
            if name is not None:
                texts, chars = prompt_texts(attachment.prompt)
                at = record.timestamp
                waiting = Input(context, at)
                waiting.is_queued = True
                for mark in {self.mark(text.strip()) for text in texts}:
                    said = self.said.get(mark)
                    while said and is_before(said[0], at):
                        said.pop(0)
                    if said:  # the row may come first
                        said.pop(0)
                        waiting.is_sent = True
                    else:
                        self.unsent[mark].append(waiting)
                kind = queued_kind(attachment, texts, context.agent)
                waiting.say(next(self.event_indexes), name, 0, kind, chars)
                context.pending.append(waiting)
        self.lineage.link(record, waiting)
        return attachment.type

    def _progress(self, record: ClaudeRecord) -> str | None:
        """Take a subagent's row out of its parent's log; return the progress type."""
        self.lineage.link(record)
        data = record.data
        if not isinstance(data, ProgressData):
            self._expect_object(data, "data")
            return None
        row = data.message
        if data.type != "agent_progress":
            return data.type
        if not isinstance(row, ClaudeRecord):
            self._expect_object(row, "data.message")
            return data.type
        row.session_id = self.lineage.carrier(record)
        origin = record.forked_from  # of which the uuid is the carrier's, not the row's in it
        row.forked_from = ForkedFrom(origin.session_id) if isinstance(origin, ForkedFrom) else origin
        row.agent_id = data.agent_id or (record.parent_tool_use_id and short(record.parent_tool_use_id))
        row.version = row.version or record.version
        if row.timestamp is not None and not is_known(row.timestamp):
            refuse_time(self.tally)
            row.timestamp = None
        row.timestamp = row.timestamp or record.timestamp
        context = self.lineage.context(row)
        call = self._call(record.parent_tool_use_id, context)
        if call is not None:
            context.started_by = context.started_by or call.id
            call.agent_id = call.agent_id or data.agent_id
        if row.type == "assistant":
            self._assistant(row)
        elif row.type == "user":
            self._user(row)
        return data.type

    def _expect_object(self, value: object, place: str) -> None:
        """Report what should be an object, and is not but there."""
        if value is not None:
            self.tally.issue("wrong_type", f"$.{place}: Expected `object`")

    # What the client says of a session

    def _system(self, record: ClaudeRecord) -> None:
        """Take a compaction's boundary; no other system record is a step or an input."""
        is_boundary = record.subtype == "compact_boundary"
        if is_boundary:
            record.session_id = self.lineage.carrier(record)
        self.lineage.link(record, self.compactions.boundary(record) if is_boundary else None)

    def _note(self, record: ClaudeRecord) -> None:
        """Take what a record says of whole sessions, if anything."""
        self.lineage.link(record)
        if record.type == "cost-state" and record.model_usage is not None:
            self.totals[self.lineage.conversation(record)] = record.model_usage
        elif record.type == "continued-in" and record.continued_in_session_id:
            self.lineage.continues(self.lineage.conversation(record), record.continued_in_session_id)
        elif record.type == "fork-context-ref":
            self.lineage.forks(record)


def _kind(record: ClaudeRecord, text: str, context: Context) -> str:
    """Who speaks in a text of a user row."""
    return row_kind(record) or text_kind(text) or ("human" if context.agent is None else "agent")


CLAUDE = Provider("claude", (ClaudeRecord,), _Log)
