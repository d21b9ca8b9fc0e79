"""The treatments of `columns`: as SQL that `publish` writes by, and as the values that can come of it.

Each is told twice, side by side, since what `publish` would not write is what `audit` finds.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

import duckdb

from tracelab.project import project_folder
from tracelab.publishing.columns import (
    AGENT_TYPES,
    COLUMNS,
    KEY_PREFIXES,
    PSEUDONYM_DIGITS,
    How,
    Treatment,
)
from tracelab.publishing.keys import hmac_pads
from tracelab.publishing.sources import SOURCES

_SHIFT_S = 2 * 365 * 86_400
"""Times are moved back by less than this."""
_OWNED = ("user", "project")
"""Keys that are words of their own, and have one for none."""
_PREFIX = f"(?:{'|'.join(KEY_PREFIXES)})"
_HASH = f"[0-9a-f]{{{PSEUDONYM_DIGITS}}}"
_VERSION = r"\d{1,12}(?:\.\d{1,12}){0,5}"
_DATE = r"-(?:\d{8}|\d{4}-\d{2}-\d{2})$"
"""What may stand behind a known model's name."""
_GENERALISED = {
    "model": f"model_(?:rare|{_HASH})",
    "tool": f"custom_(?:rare|{_HASH})|mcp_(?:rare|{_HASH})|mcp__(?:rare__rare|{_HASH}__{_HASH})",
    "agent": f"custom_(?:rare|{_HASH})",
    "version": _VERSION,
}
"""What a name becomes that is not publicly known."""

Names = Mapping[str, frozenset[str]]


def known_names(allowed_models: Sequence[str] = ()) -> Names:
    """Return the names that leave as they are, by kind: the seeds', the clients' own, and what is allowed."""
    return {
        "model": _seed("model_prices", "model") | _seed("model_aliases", "alias") | frozenset(allowed_models),
        "tool": _seed("tool_categories", "tool_name"),
        "agent": frozenset(AGENT_TYPES),
        "version": frozenset(),
    }


def _seed(seed: str, column: str) -> frozenset[str]:
    with (project_folder() / "seeds" / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row[column] for row in csv.DictReader(file))


def may_leave(value: object, treatment: Treatment, known: Names) -> bool:
    """Say whether a value, as it is or written out, is one that `treated` yields."""
    how = treatment.how
    match value:
        case bool():
            return how is How.flag
        case int():
            return how is How.number and treatment.least <= value <= treatment.most
        case datetime():
            return how is How.instant
        case str() if how is How.word:
            return value in treatment.words
        case str() if how is How.number:
            return bool(_pattern(treatment).fullmatch(value)) and may_leave(int(value), treatment, known)
        case str() if how is How.name and _is_known(value, known[treatment.of], treatment.of):
            return True
        case str():
            return _pattern(treatment).fullmatch(value) is not None
    return False


def _is_known(name: str, known: frozenset[str], kind: str) -> bool:
    return name in known or (kind == "model" and re.sub(_DATE, "", name, flags=re.ASCII) in known)


@cache
def _pattern(treatment: Treatment) -> re.Pattern[str]:
    match treatment.how:
        case How.key if treatment.of in _OWNED:
            pattern = f"{treatment.of}_(?:none|{_HASH})"
        case How.key:
            pattern = f"{_PREFIX}?{_HASH}"
        case How.place:
            pattern = f"{_PREFIX}?{_HASH}#(?:0|[1-9]\\d{{0,15}})"
        case How.name:
            pattern = _GENERALISED[treatment.of]
        case How.number:
            pattern = r"0|-?[1-9]\d{0,18}"
        case How.flag:
            pattern = "true|false"
        case How.instant:
            pattern = r"\d{4}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z?"
        case How.word:
            pattern = "|".join(treatment.words)
    return re.compile(pattern, re.ASCII)


def prepare(engine: duckdb.DuckDBPyConnection, key: bytes, models: Sequence[str], shift_times: bool) -> None:
    """Make what the expressions call: keyed hashes, and the names that are publicly known."""
    inner, outer = hmac_pads(key)
    engine.execute(f"set variable inner_pad = unhex('{inner.hex()}')")
    engine.execute(f"set variable outer_pad = unhex('{outer.hex()}')")
    engine.execute(
        "create temp macro keyed(domain, value) as sha256(getvariable('outer_pad')"
        " || unhex(sha256(getvariable('inner_pad') || encode(domain || chr(0) || value))))"
    )
    engine.execute(
        f"create temp macro pseudonym(domain, value) as left(keyed(domain, value), {PSEUDONYM_DIGITS})"
    )
    seconds = f"('0x' || left(keyed('shift', coalesce(owner, '')), 12))::bigint % {_SHIFT_S}"
    # whole seconds, so that what goes by milliseconds of a second stays
    engine.execute(f"create temp macro shift_of(owner) as to_seconds({seconds if shift_times else 0})")
    known = [(kind, name) for kind, names in known_names(models).items() for name in sorted(names)]
    kinds, names = map(list, zip(*known, strict=True))
    engine.execute(
        "create temp table known_names as"
        " select unnest($kinds::varchar[]) as kind, unnest($names::varchar[]) as name",
        {"kinds": kinds, "names": names},
    )
    engine.execute("create temp table rare_names (kind varchar, name varchar)")


def note_rare_names(engine: duckdb.DuckDBPyConnection, min_users: int) -> None:
    """Find the names that the sessions of fewer than `min_users` users hold: they will be generalised."""
    seen = " union all ".join(
        f"select '{treatment.of}' as kind, {_name(column, treatment.of)} as name, owner"
        f" from ({SOURCES[table]})"
        for table, columns in COLUMNS.items()
        for column, treatment in columns.items()
        if treatment.how is How.name
    )
    engine.execute(
        f"insert into rare_names select kind, name from ({seen}) where name is not null"
        f" group by all having count(distinct coalesce(owner, '')) < {min_users}"
    )


def treated(column: str, treatment: Treatment, round_times_s: int | None) -> str:
    """Return the expression of a column's values as they may leave."""
    value = f'"{column}"'
    match treatment.how:
        case How.key if treatment.of in _OWNED:
            return f"'{treatment.of}_' || coalesce(pseudonym('{treatment.of}', {value}), 'none')"
        case How.key:
            return f"regexp_extract({value}, '^{_PREFIX}') || pseudonym('{treatment.of}', {value})"
        case How.place:
            session = f"regexp_replace({value}, '#\\d+$', '')"
            return (
                f"regexp_extract({value}, '^{_PREFIX}') || pseudonym('{treatment.of}', {session})"
                f" || regexp_extract({value}, '#\\d+$')"
            )
        case How.word:
            words = ", ".join(f"'{word}'" for word in treatment.words)
            return f"if({value} in ({words}), {value}, null)"
        case How.name:
            name = _name(column, treatment.of)
            is_rare = f"{name} in (select name from rare_names where kind = '{treatment.of}')"
            return f"if({is_rare}, {_RARE[treatment.of].format(name=name)}, {name})"
        case How.number:
            return f"if({value} between {treatment.least} and {treatment.most}, {value}, null)::bigint"
        case How.instant:
            moved = f"{value} - shift"
            return f"time_bucket(to_seconds({round_times_s}), {moved})" if round_times_s else moved
        case How.flag:
            return f"{value}::boolean"


_RARE = {
    "model": "'model_rare'",
    "tool": "case when {name} like 'mcp!_!_%' escape '!' then 'mcp__rare__rare'"
    " when starts_with({name}, 'mcp_') then 'mcp_rare' else 'custom_rare' end",
    "agent": "'custom_rare'",
    "version": "null",
}


def _name(column: str, kind: str) -> str:
    """Return the expression of a name: as it is where it is known, else a pseudonym."""
    value = f'"{column}"'
    is_known = f"{value} in (select name from known_names where kind = '{kind}')"
    match kind:
        case "version":
            return f"nullif(regexp_extract({value}, '^{_VERSION}'), '')"
        case "model":
            undated = f"regexp_replace({value}, '{_DATE}', '')"
            is_known += f" or {undated} in (select name from known_names where kind = 'model')"
            other = f"'model_' || pseudonym('model', {value})"
        case "tool":
            # what is an MCP tool, and which server's, stays told as marts and summaries tell it
            parts = f"regexp_extract({value}, '^mcp__(.+?)__((?s:.*))$', ['server', 'tool'])"
            other = (
                f"case when regexp_matches({value}, '^mcp__.+?__') then 'mcp__'"
                f" || pseudonym('mcp_server', {parts}.server) || '__' || pseudonym('mcp_tool', {parts}.tool)"
                f" when starts_with({value}, 'mcp_') then 'mcp_' || pseudonym('tool', {value})"
                f" else 'custom_' || pseudonym('tool', {value}) end"
            )
        case _:
            other = f"'custom_' || pseudonym('{kind}', {value})"
    return f"case when {value} is null then null when {is_known} then {value} else {other} end"
