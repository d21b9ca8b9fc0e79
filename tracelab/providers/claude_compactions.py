"""Claude's compactions: a boundary and a summary row, in either order, or one of them alone."""

from collections import defaultdict

from tracelab.providers.claude_lineage import Lineage
from tracelab.providers.claude_records import ClaudeRecord, CompactMetadata
from tracelab.providers.claude_state import Context, Input, Marker


class Compactions:
    """Makes one marker of each compaction; it waits like an input for the next step of its context."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._boundaries: set[str] = set()
        self._marked = defaultdict[str, list[Context]](list)
        """By conversation, the contexts that a marker was put into, the latest last."""

    @property
    def boundaries(self) -> int:
        """How many boundaries were seen."""
        return len(self._boundaries)

    def boundary(self, record: ClaudeRecord) -> Input | None:
        """Take a boundary; None if it was taken before, or completes a summary that came first."""
        context = self._lineage.context(record)
        name = context.take(record)
        if name is None:
            return None
        if record.uuid is not None:
            self._boundaries.add(record.uuid)
        body = record.compact_metadata if isinstance(record.compact_metadata, CompactMetadata) else None
        marker = Marker(name, record.timestamp, body or CompactMetadata())
        if context.marker is not None and context.marker.is_summary:
            context.marker.become(marker)
            return None
        self._mark(context, marker)
        waiting = Input(context, record.timestamp, marker=marker)
        context.pending.append(waiting)
        return waiting

    def summary(self, record: ClaudeRecord, name: str, waiting: Input) -> None:
        """Take a summary, the message of `waiting`: a compaction of its own if it follows no boundary."""
        context = waiting.context
        if record.parent_uuid not in self._boundaries and not self._has_boundary(context):
            marker = Marker(name, record.timestamp, CompactMetadata(), is_summary=True)
            waiting.marker = marker
            self._mark(context, marker)

    def _mark(self, context: Context, marker: Marker) -> None:
        context.marker = marker
        self._marked[context.conversation].append(context)

    def _has_boundary(self, context: Context) -> bool:
        """Say whether a marker waits anywhere in the conversation: a boundary may bear no agent's name."""
        marked = self._marked[context.conversation]
        while marked and marked[-1].marker is None:
            marked.pop()
        return bool(marked)
