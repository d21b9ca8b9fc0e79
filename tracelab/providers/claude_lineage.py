"""Which context each row of a Claude log belongs to, and how contexts descend from each other."""

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from tracelab.providers.base import Source, Tally, global_id, lenient
from tracelab.providers.claude_records import ClaudeRecord, ForkedFrom, Sidecar
from tracelab.providers.claude_state import CallState, Context, Input
from tracelab.schema import Session

_agent_file = re.compile(r"agent-(.+?)\.jsonl(?:\.gz|\.zst)?").fullmatch


class Lineage:
    """The contexts of one file, and the inputs that still wait for an assistant row to descend from them."""

    def __init__(self, source: Source, tally: Tally) -> None:
        path = PurePath(source.path)
        named = _agent_file(path.name)
        self.contexts: dict[tuple[str, str | None], Context] = {}
        """By conversation and agent."""
        self.linked = 0
        """Inputs that wait in a context for its next step and may yet turn out to belong to another."""
        self._source = source
        self._project = _project(path)
        self._file_agent = named[1] if named else None
        self._sidecar = lenient(source.sidecar, Sidecar, tally) if source.sidecar else None
        self._conversation = source.first_line_sha256[:32]  # until a message names one
        self._latest_name: object = None  # what the record before named, if the context needs no more of it
        self._latest = Context("", None)
        self._roots: dict[str, str] = {}  # row of a sidechain without a name → its first row
        self._parents: dict[str, tuple[str | None, Input | None]] = {}
        self._continued_from: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_source": None, "_latest_name": None}

    def go_on(self, source: Source) -> None:
        """Go on reading the file, having been pickled; a log with a sidecar never is."""
        self._source = source

    def held_bytes(self) -> int:
        """Estimate, rather too high, the memory of the contexts and of how rows hang together."""
        links = len(self._roots) + len(self._parents) + len(self._continued_from)
        return 1_000 * links + sum(context.held_bytes() for context in self.contexts.values())

    def conversation(self, record: ClaudeRecord) -> str:
        """Conversation that a record names, else the one of the record before it."""
        return record.session_id or record.session_id_snake or self._conversation

    def carrier(self, record: ClaudeRecord) -> str:
        """Conversation of a row without a message: what it names if a message did, else the one before."""
        named = self.conversation(record)
        is_known = (
            not self.contexts or named == self._conversation or any(named == key for key, _ in self.contexts)
        )
        return named if is_known else self._conversation

    def context(self, record: ClaudeRecord) -> Context:
        """Context that a row says it belongs to; a copied row belongs to its origin's."""
        name = (record.session_id, record.agent_id, record.is_sidechain, record.forked_from)
        if name == self._latest_name:
            return self._latest
        conversation = self._conversation = self.conversation(record)
        agent = record.agent_id or (None if record.is_sidechain is False else self._file_agent)
        if agent is None and record.is_sidechain:
            agent = self._roots.get(record.uuid or "")
        context = self.contexts.get((conversation, agent)) or self._open(conversation, agent)
        context.is_named = True
        if record.forked_from is not None and (origin := origin_of(record)) is not None:
            context.forked_from = f"claude:{origin}"
            context = self._open(origin, agent, is_own=False)
        else:
            context.is_own = True
        if context.version is None:
            context.version = record.version
        if context.entrypoint is None:
            context.entrypoint = record.entrypoint
        is_named = record.agent_id or self._file_agent or not record.is_sidechain
        is_certain = record.session_id and record.forked_from is None and is_named
        is_complete = context.version is not None and context.entrypoint is not None
        self._latest_name = name if is_certain and is_complete else None
        self._latest = context
        return context

    def _open(self, conversation: str, agent: str | None, is_own: bool = True) -> Context:
        context = self.contexts.get((conversation, agent))
        if context is None:
            context = self.contexts[conversation, agent] = Context(conversation, agent, is_own)
        return context

    def follow_sidechain(self, record: ClaudeRecord) -> None:
        """Note the first row of a sidechain's row, its only name where no agent is named."""
        if record.uuid and not (record.agent_id or self._file_agent):
            self._roots[record.uuid] = self._roots.get(record.parent_uuid or "", record.uuid)

    def link(self, record: ClaudeRecord, waiting: Input | None = None) -> None:
        """Remember a row that may stand between an input and an assistant row that descends from it."""
        if record.uuid is None or (waiting is None and (not self.linked or record.uuid in self._parents)):
            return
        self._parents[record.uuid] = (record.parent_uuid, waiting)
        if waiting is not None:
            waiting.is_linked = True
            self.linked += 1

    def draw(self, parent: str | None, context: Context) -> None:
        """Move the waiting inputs that an assistant row of `context` descends from into it."""
        while parent is not None and (link := self._parents.pop(parent, None)) is not None:
            name = parent
            parent, waiting = link
            if waiting is not None and waiting.is_linked and waiting.context is not context:
                context.records.add(name)
                waiting.context.pending.remove(waiting)
                waiting.context = context
                context.pending.append(waiting)

    def settle(self, waiting: Input) -> None:
        """Note that a linked input has its step, or will have none."""
        waiting.is_linked = False
        self.linked -= 1
        if not self.linked:
            self._parents.clear()

    def continues(self, origin: str, conversation: str) -> None:
        """Note that a conversation goes on under another id, in another file."""
        self._continued_from[conversation] = origin

    def forks(self, record: ClaudeRecord) -> None:
        """Note that an agent's context begins with another's, whose rows are not copied."""
        if record.parent_session_id:
            agent = record.agent_id or self._file_agent
            context = self._open(record.session_id or record.parent_session_id, agent)
            context.forked_from = f"claude:{record.parent_session_id}"

    def rows(self, calls: dict[str, CallState]) -> Iterator[Session]:
        """Yield the session rows; `calls` tell which of the file's agents they started."""
        started_by: dict[tuple[str, str | None], CallState] = {
            (call.step.context.conversation, call.agent_id): call
            for call in calls.values()
            if call.step is not None and call.agent_id is not None
        }
        for key, context in self.contexts.items():
            if context.is_present or context.is_named:
                yield self._session(context, calls.get(context.started_by or "") or started_by.get(key))
        for conversation, origin in self._continued_from.items():
            successor = self.contexts.get((conversation, None)) or Context(conversation, None, is_own=False)
            if not successor.is_present:
                successor.forked_from = f"claude:{origin}"
                yield self._session(successor, None)

    def _session(self, context: Context, call: CallState | None) -> Session:
        conversation = f"claude:{context.conversation}"
        agent_type, parent = self._parentage(context, call) if context.agent is not None else (None, None)
        sidecar = self._sidecar if context.agent == self._file_agent else None
        spawn = context.started_by
        if spawn is None and sidecar and sidecar.tool_use_id:
            spawn = global_id(sidecar.tool_use_id, context.conversation)
        return Session(
            session_id=context.id,
            file_id=self._source.file_id,
            provider="claude",
            is_own=context.is_own,
            session_kind="main" if context.agent is None else "subagent",
            parent_session_id=parent,
            root_session_id=conversation,
            forked_from_session_id=context.forked_from,
            agent_type=agent_type,
            user_name=self._source.user_name,
            project=self._project,
            client_version=context.version,
            entrypoint=context.entrypoint,
            started_at=context.first_at,
            ended_at=context.last_at,
            spawn_tool_call_id=spawn or (call and call.id) or None,
        )

    def _parentage(self, context: Context, call: CallState | None) -> tuple[str | None, str]:
        """Kind and parent of a subagent: of its sidecar, else of the call that started it."""
        sidecar = self._sidecar if context.agent == self._file_agent else None
        agent_type = (sidecar and sidecar.agent_type) or (call and call.agent_type) or None
        if sidecar and sidecar.parent_agent_id:
            return agent_type, f"claude:{context.conversation}/{sidecar.parent_agent_id}"
        if call and call.step and call.step.context is not context:
            return agent_type, call.step.context.id
        return agent_type, f"claude:{context.conversation}"


def origin_of(record: ClaudeRecord) -> str | None:
    """Conversation that a row was copied from, if the row says so."""
    forked = record.forked_from
    if isinstance(forked, ForkedFrom) and forked.session_id and forked.session_id != record.session_id:
        return forked.session_id
    return None


def _project(path: PurePath) -> str | None:
    """Name of the folder right below the client's `projects`."""
    folders = path.parts[:-1]
    places = [index for index, folder in enumerate(folders[:-1]) if folder == "projects"]
    return folders[places[-1] + 1] if places else None
