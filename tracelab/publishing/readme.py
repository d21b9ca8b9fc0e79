"""The README of a published dataset: what it holds, how it was made fit to leave, and under which licence."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tracelab.publishing.columns import COLUMNS, MOST, PARTS, How, Treatment
from tracelab.publishing.rules import Rules

_COUNTED = ("users", "sessions", "steps", "tool calls", "events")
LICENCE_CHARS = 100
_NO_LICENCE = "none was given; ask who published it."


def readme(folder: Path, counts: Mapping[str, int], licence: str | None, rules: Rules) -> str:
    """Return the README of the dataset that lies in `folder`."""
    files = [path for name in sorted(PARTS) if (path := folder / name).is_file()]
    return "\n".join(
        [
            "# Steps of coding agents",
            "",
            "Sizes, names and times of what Claude Code and Codex did, a row a model response, made by"
            " `tracelab publish`. No text of any message, thinking, command or tool output.",
            "",
            f"Licence: {licence or _NO_LICENCE}",
            "",
            "| | count |",
            "|---|--:|",
            *(f"| {name} | {count:,} |" for name, count in counts.items()),
            "",
            "## Files",
            "",
            "The same rows three times: JSON Lines (a line a step, with its events and tool calls), Parquet,"
            " and a DuckDB file with the Parquet files as tables, joined by `round_pk`. `tracelab load` takes"
            " the JSON Lines or the DuckDB file.",
            "",
            "| file | bytes | SHA-256 |",
            "|---|--:|---|",
            *(f"| `{path.name}` | {path.stat().st_size:,} | `{_sha256(path)}` |" for path in files),
            "",
            "## Rules applied",
            "",
            *(f"- {rule}" for rule in rules.in_words()),
            "",
            "## Schema",
            "",
            *schema(),
            "",
        ]
    )


class Told(NamedTuple):
    """What a README says that is not the same in all, read from its text."""

    counts: Mapping[str, int]
    licence: str | None
    rules: Rules

    @classmethod
    def of(cls, text: str) -> "Told":
        """Read a README, whoever wrote it: `readme` of the answer gives its lines, if `publish` did."""

        def number(pattern: str) -> int | None:
            found = re.search(pattern, text, re.M | re.ASCII)
            return int(found[1].replace(",", "")) if found else None

        counts = re.findall(rf"^\| ({'|'.join(_COUNTED)}) \| ([\d,]{{1,20}}) \|$", text, re.M | re.ASCII)
        licence = re.search("^Licence: (.+)$", text, re.M)
        models = re.search(r"^- These models' names were allowed: (.+)\.$", text, re.M)
        return cls(
            {name: int(count.replace(",", "") or 0) for name, count in counts},
            licence[1] if licence and licence[1] != _NO_LICENCE else None,
            Rules(
                models[1].split(", ") if models else (),
                re.search("^- All instants of a user were moved back", text, re.M) is not None,
                number(r"^- Instants were cut down to multiples of (\d[\d,]{0,10}) second"),
                number(r"^- Names that the sessions of fewer than (\d{1,9}) users") or 1,
            ),
        )


def schema() -> list[str]:
    """Return the lines that say which columns a dataset has, and how the values of each leave."""
    return [
        "`rounds` are steps; the other tables are joined to them by `round_pk`, and are lists in a step's row"
        " in JSON Lines (`tool_calls` as `tools`), where `round_pk` is the line's number. What begins `x_`"
        " goes beyond the published step row. Instants are UTC, durations milliseconds (`_ms`), sizes"
        " characters (`_chars`); what is absent is null or left out.",
        *(line for table, columns in COLUMNS.items() for line in _table(table, columns)),
    ]


def _table(table: str, columns: Mapping[str, Treatment]) -> list[str]:
    return [
        "",
        f"### {table}",
        "",
        "| column | how its values leave |",
        "|---|---|",
        *(f"| `{name}` | {_in_words(treatment)} |" for name, treatment in columns.items()),
    ]


_WORDS = {
    How.key: "keyed pseudonym",
    How.place: "keyed pseudonym of the session, and the index",
    How.word: "one of",
    How.name: "as it is if publicly known, else generalised",
    How.number: "as it is",
    How.flag: "as it is",
    How.instant: "see the rules",
}


def _in_words(treatment: Treatment) -> str:
    words = _WORDS[treatment.how]
    if treatment.words:
        return f"{words} {', '.join(f'`{word}`' for word in treatment.words)}; else null"
    if treatment.most < MOST:
        return f"{words} up to {treatment.most}, else null"
    return words


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
