"""What may be asked for beyond the allow-list, and how a dataset's README says it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tracelab.text import counted


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked for beyond the allow-list."""

    allowed_models: Sequence[str] = ()
    """Models whose names may leave though no price is known for them."""
    shift_times: bool = False
    """Move all instants of a user back by one secret span."""
    round_times_s: int | None = None
    """Cut instants down to multiples of so many seconds."""
    min_users: int = 1
    """A name seen with fewer users is generalised; with fewer users in all nothing is published."""

    def in_words(self) -> list[str]:
        """Say what was done to the values."""
        said = [
            "Only the columns below were taken from the warehouse, each as it says.",
            "Identifiers are HMAC-SHA-256 pseudonyms under a random key that its owner keeps, each kind in a"
            " domain of its own. With the same key a session has the same pseudonym in every release.",
            "Names of models without a known price became `model_…`, those of tools and subagents that are"
            " not publicly known `custom_…` or `mcp__…__…`; versions kept their digits alone.",
            "Sizes and counts are exact, and a fingerprint: who has a session's log can recognise it.",
            "Copies of a step (resumed and forked sessions) were left out, and sessions without a step.",
        ]
        if self.shift_times:
            said.append(
                "All instants of a user were moved back by one secret span of up to two years;"
                " prices go by date, so that costs are not those of the owner."
            )
        if self.round_times_s:
            said.append(f"Instants were cut down to multiples of {counted(self.round_times_s, 'second')}.")
        if not (self.shift_times or self.round_times_s):
            said.append("Instants are exact.")
        if self.min_users > 1:
            said.append(
                f"Names that the sessions of fewer than {self.min_users} users hold were generalised."
            )
        if self.allowed_models:
            said.append(f"These models' names were allowed: {', '.join(self.allowed_models)}.")
        return said


NO_RULES = Rules()
