"""The treatments of `columns` as SQL: pseudonyms, lists of words, known names, moved times."""

from collections.abc import Sequence

import duckdb

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
    engine.execute(
        "create temp table known_names as"
        " select 'model' as kind, model as name from seeds.model_prices"
        " union select 'model', alias from seeds.model_aliases"
        " union select 'model', unnest($models::varchar[])"
        " union select 'tool', tool_name from seeds.tool_categories"
        " union select 'agent', unnest($agents::varchar[])",
        {"models": list(models), "agents": list(AGENT_TYPES)},
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
            prefix = f"regexp_extract({value}, '^({'|'.join(KEY_PREFIXES)})')"
            return f"{prefix} || pseudonym('{treatment.of}', {value})"
        case How.word:
            words = ", ".join(f"'{word}'" for word in treatment.words)
            return f"if({value} in ({words}), {value}, null)"
        case How.name:
            name = _name(column, treatment.of)
            is_rare = f"{name} in (select name from rare_names where kind = '{treatment.of}')"
            return f"if({is_rare}, {_RARE[treatment.of].format(name=name)}, {name})"
        case How.number if treatment.most is not None:
            return f"if({value} between 0 and {treatment.most}, {value}, null)"
        case How.number:
            return f"{value}::bigint"
        case How.instant:
            moved = f"{value} - shift"
            return f"time_bucket(to_seconds({round_times_s}), {moved})" if round_times_s else moved
        case How.flag:
            return f"{value}::boolean"


_RARE = {
    "model": "'model_rare'",
    "tool": "if({name} like 'mcp!_!_%' escape '!', 'mcp__rare__rare', 'custom_rare')",
    "agent": "'custom_rare'",
    "version": "null",
}


def _name(column: str, kind: str) -> str:
    """Return the expression of a name: as it is where it is known, else a pseudonym."""
    value = f'"{column}"'
    is_known = f"{value} in (select name from known_names where kind = '{kind}')"
    match kind:
        case "version":
            return f"nullif(regexp_extract({value}, '^\\d+(\\.\\d+)*'), '')"
        case "model":
            undated = f"regexp_replace({value}, '-(\\d{{8}}|\\d{{4}}-\\d{{2}}-\\d{{2}})$', '')"
            is_known += f" or {undated} in (select name from known_names where kind = 'model')"
            other = f"'model_' || pseudonym('model', {value})"
        case "tool":
            parts = f"regexp_extract({value}, '^mcp__(.+?)__(.*)$', ['server', 'tool'])"
            other = (
                f"if({value} similar to 'mcp__.+?__.*', 'mcp__' || pseudonym('mcp_server', {parts}.server)"
                f" || '__' || pseudonym('mcp_tool', {parts}.tool), 'custom_' || pseudonym('tool', {value}))"
            )
        case _:
            other = f"'custom_' || pseudonym('{kind}', {value})"
    return f"case when {value} is null then null when {is_known} then {value} else {other} end"
