"""What a dataset should not hold, wherever it came from: leaks in JSON Lines, CSV, Parquet, DuckDB, text.

A finding names its place and never what stands there, so that it can be shown to anybody.
"""

import base64
import binascii
import csv
import os
import pwd
import re
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec

from tracelab.errors import TracelabError
from tracelab.lines import Lines, unreadable
from tracelab.providers.base import Tally
from tracelab.publishing.columns import COLUMNS, KEY_PREFIXES, PSEUDONYM_DIGITS, How, Treatment
from tracelab.warehouse import identifier, open_read_only

_LONG_CHARS = 100
_LONG_WORDS = 6
_UNPACKED_BYTES = 64 << 20
_FIRST_PERSON, _LAST_PERSON = 1000, 60_000  # what lies outside are the system's own users
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_PATTERNS = {
    "a path": re.compile(
        r"(?<![\w.])(?:~|/(?:home|Users|root|tmp|var|etc|opt|mnt|media|private|srv|work|workspaces?))/[\w.-]"
        r"|\b[A-Za-z]:\\\w|\bfile:///|(?:^|\W)-(?:home|Users|root)-\w"
    ),
    "an e-mail address": re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]*[A-Za-z]{2}"),
    "a secret": re.compile(
        r"\bsk-[\w-]{16}|\b(?:gh[opsur]|github_pat)_\w{16}|\bglpat-[\w-]{16}|\b(?:hf|npm)_\w{24}|\bA[KS]IA[A-Z0-9]{16}"
        r"|\bxox[abeprs]-[\w-]{10}|\bAIza[\w-]{30}|\beyJ[\w-]{8,}\.eyJ[\w-]{8}|-----BEGIN [A-Z ]*PRIVATE KEY"
        r"|://[^/\s:@]+:[^/\s:@]+@|(?i:\b(?:password|passwd|secret|api[_-]?key|access[_-]?token)[\"']?\s*[=:]\s*\S{6})"
        r"|^[0-9a-f]{64}$"
    ),
}
_PACKED = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_WORD = re.compile(r"[\w:-]+")
_NAME = re.compile(r"[\w.:/@+-]{0,100}", re.ASCII)
_KEY = re.compile(f"(?:{'|'.join(KEY_PREFIXES)})?[0-9a-f]{{{PSEUDONYM_DIGITS}}}")
_OWNER = re.compile(f"(?:user|project)_(?:none|[0-9a-f]{{{PSEUDONYM_DIGITS}}})")
_LISTED = {column: how for columns in COLUMNS.values() for column, how in columns.items()}
_NESTED = {"tools": "tool_calls"}
"""What a table is called where it is a list in a row."""
_PRIVATE = """
select unnest([session_id, message_id, turn_id, echo_id]) from raw.steps
union select tool_call_id from raw.tool_calls union select event_id from raw.events
union select compaction_id from raw.compactions union select agent_id from raw.tool_calls
union select unnest([session_id, root_session_id, parent_session_id, user_name, project]) from raw.sessions
union select unnest([file_id, path, user_name]) from raw.files
"""


class Finding(NamedTuple):
    """A place that should not hold what it does."""

    file: Path
    row: int | None
    """From 1, the heading of a CSV file not counted; None where it is said of all rows."""
    column: str | None
    what: str

    def __str__(self) -> str:
        place = [str(self.file), "" if self.row is None else f"row {self.row}", self.column or ""]
        return f"{', '.join(filter(None, place))}: {self.what}"


class _Cell(NamedTuple):
    row: int | None
    column: str | None
    value: str | None
    """None: said of the column itself."""
    is_data: bool = True
    treatment: Treatment | None = None


def audit(path: Path, *, db: Path | None = None) -> Iterator[Finding]:
    """Yield every leak in a file, or in all files of a folder.

    Looked for are paths, e-mail addresses, secrets, names of this machine's users, long or odd text, columns
    that may not leave, values that are not as such a column leaves, and, where `db` is a warehouse, the
    identifiers, users and projects in it; in base64, gzip and look-alike letters too.

    Raises:
        TracelabError: if there is no such path, or no file in it.
    """
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    if not files or not path.exists():
        raise TracelabError(f"there is no file at {path}: name a dataset, a file or a folder of some")
    private = _private(db) if db and db.exists() else frozenset[str]()
    search = _Search(private)
    for file in files:
        try:
            for cell in _cells(file):
                what = search.faults(cell) if cell.value is not None else [_unlisted(cell)]
                yield from (Finding(file, cell.row, cell.column, each) for each in what)
        except OSError as error:
            yield Finding(file, None, None, unreadable(error))
        except (duckdb.Error, TracelabError):
            yield Finding(file, None, None, "cannot be read: nothing is known of it")


def _unlisted(cell: _Cell) -> str:
    return "a column that may not leave" if cell.column else "a table that may not leave"


class _Search:
    """Tells what is wrong with a value; the same values come again and again."""

    def __init__(self, private: frozenset[str]) -> None:
        self._private = private
        names = "|".join(map(re.escape, sorted(_users_here())))
        self._user = re.compile(rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])", re.I) if names else None
        self._of = lru_cache(100_000)(self._faults)

    def faults(self, cell: _Cell) -> tuple[str, ...]:
        assert cell.value is not None
        return self._of(cell.value, cell.is_data, cell.treatment)

    def _faults(self, value: str, is_data: bool, treatment: Treatment | None) -> tuple[str, ...]:
        found = dict.fromkeys(what for text in _readings(value) for what in self._in_text(text))
        if is_data and not found and _is_text(value):
            found["free text"] = None
        if treatment and not found and not _is_treated(value, treatment):
            found[f"not as such a column leaves ({treatment.how})"] = None
        return tuple(found)

    def _in_text(self, text: str) -> Iterator[str]:
        yield from (what for what, pattern in _PATTERNS.items() if pattern.search(text))
        if self._user and self._user.search(text):
            yield "a user of this machine"
        if self._private and (text in self._private or not self._private.isdisjoint(_WORD.findall(text))):
            yield "an identifier of the warehouse"


def _readings(value: str) -> Iterator[str]:
    """Give a text as it is, in plain letters, and what it holds in base64."""
    plain = unicodedata.normalize("NFKC", value).translate(_LOOK_ALIKES)
    yield value
    if plain != value:
        yield plain
    for match in _PACKED.finditer(value):
        with suppress(binascii.Error, UnicodeDecodeError, zlib.error, ValueError):
            packed = match[0].rstrip("=").replace("-", "+").replace("_", "/")
            data = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
            if data.startswith(b"\x1f\x8b"):
                data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, _UNPACKED_BYTES)
            text = data.decode()
            if text.isprintable() or len(text) > _LONG_CHARS:
                yield text


_LOOK_ALIKES = str.maketrans("аеорсухіјԁѕһԛѡАВЕКМНОРСТХοαενρτ", "aeopcyxijdshqwABEKMHOPCTXoaevpt")


def _is_text(value: str) -> bool:
    return len(value) > _LONG_CHARS or len(value.split()) >= _LONG_WORDS or not value.isascii()


def _is_treated(value: str, treatment: Treatment) -> bool:
    match treatment.how:
        case How.key:
            return bool((_OWNER if treatment.of in ("user", "project") else _KEY).fullmatch(value))
        case How.word:
            return value in treatment.words
        case How.name:
            return bool(_NAME.fullmatch(value))
        case How.flag:
            return value.lower() in ("true", "false", "0", "1")
        case How.number:
            return bool(re.fullmatch(r"-?\d{1,18}(?:\.\d+)?", value))
        case How.instant:
            return bool(re.fullmatch(r"[-\d:.TZ+ ]{1,40}", value))


def _users_here() -> set[str]:
    """Return the names of this machine's people; too short ones would be found everywhere."""
    people = {user.pw_name for user in pwd.getpwall() if _FIRST_PERSON <= user.pw_uid < _LAST_PERSON}
    people |= {os.environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER")}
    return {name for name in people if len(name) > 2 and name != "root"}


def _private(db: Path) -> frozenset[str]:
    """Return what names something in a warehouse, with the client's name in front and without."""
    with open_read_only(db) as warehouse:
        rows = warehouse.execute(f"select distinct * from ({_PRIVATE})").fetchall()
    names = {str(name) for (name,) in rows if name is not None and len(str(name)) > 2}
    parts = {part for name in names for part in re.split(r"[:/#@]", name) if len(part) > 15}
    return frozenset(names | parts)


def _cells(file: Path) -> Iterator[_Cell]:
    with file.open("rb") as opened:
        head = opened.read(12)
    suffixes = file.suffixes
    while suffixes and suffixes[-1] in (".gz", ".zst"):
        suffixes.pop()
    suffix = suffixes[-1].lower() if suffixes else ""
    if head.startswith(b"PAR1"):
        with duckdb.connect() as engine:
            yield from _table(engine.read_parquet(str(file)), file.stem)
    elif head[8:12] == b"DUCK":
        with open_read_only(file) as dataset:
            yield from _tables(dataset)
    elif suffix in _JSON_SUFFIXES:
        yield from _json(file)
    elif suffix in (".csv", ".tsv"):
        yield from _csv(file, "\t" if suffix == ".tsv" else ",")
    else:
        yield from (_Cell(row, None, text, is_data=False) for row, text in _texts(file))


def _texts(file: Path) -> Iterator[tuple[int, str]]:
    """Give the lines of a file, packed or not; where it cannot be read on, that is an error."""
    with file.open("rb", buffering=0) as opened:
        lines = Lines(opened, tally := Tally())
        for stretch in lines:
            for number, line in enumerate(stretch.lines, stretch.number):
                yield number, line.decode("utf-8", "replace").rstrip("\r\n")
    if lines.fault or tally.bad_lines:
        raise TracelabError(lines.fault or "a line is too long")


def _json(file: Path) -> Iterator[_Cell]:
    for row, text in _texts(file):
        try:
            record = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            yield _Cell(row, None, text)
            continue
        if isinstance(record, dict):
            yield from _values(row, None, record, COLUMNS["rounds"])
        else:
            yield _Cell(row, None, text)


def _values(
    row: int, place: str | None, record: Any, columns: dict[str, Treatment] | None
) -> Iterator[_Cell]:
    """Give what a JSON value holds, at any depth; `columns` are those that an object may have."""
    if isinstance(record, list):
        for each in record:
            yield from _values(row, place, each, columns)
    elif not isinstance(record, dict):
        if record is not None:
            how = (columns or {}).get((place or "").rpartition(".")[2])
            yield _Cell(row, place, str(record), treatment=how)
    else:
        for name, value in record.items():
            below = f"{place}.{name}" if place else name
            table = COLUMNS.get(_NESTED.get(name, str(name))) if isinstance(value, list) else None
            if table is None and name not in (columns or {}):
                yield _Cell(row, below, None)
                yield _Cell(row, below, name)
            yield from _values(row, below, value, table or columns)


def _csv(file: Path, delimiter: str) -> Iterator[_Cell]:
    rows = csv.reader((f"{text}\n" for _, text in _texts(file)), delimiter=delimiter)
    names = next(rows, [])
    columns = COLUMNS.get(file.name.partition(".")[0], _LISTED)
    yield from (_Cell(None, name, None) for name in names if name not in columns)
    for row, values in enumerate(rows, start=1):
        for place, value in enumerate(values):
            name = names[place] if place < len(names) else f"column {place + 1}"
            if value:
                yield _Cell(row, name, value, treatment=columns.get(name))


def _tables(dataset: duckdb.DuckDBPyConnection) -> Iterator[_Cell]:
    tables = dataset.execute(
        "select schema_name, table_name from duckdb_tables() union all"
        " select schema_name, view_name from duckdb_views() where not internal order by all"
    ).fetchall()
    for schema, table in tables:
        place = f"{identifier(schema)}.{identifier(table)}"
        for cell in _table(dataset.sql(f"from {place}"), table):
            yield cell._replace(column=f"{table}.{cell.column}")


def _table(relation: duckdb.DuckDBPyRelation, table: str) -> Iterator[_Cell]:
    columns = COLUMNS.get(table, {})
    names = relation.columns
    yield from (_Cell(None, name, None) for name in names if name not in columns)
    row = 0
    for batch in relation.project("columns(*)::varchar").to_arrow_reader(10_000):
        for values in zip(*batch.to_pydict().values(), strict=True):
            row += 1
            for name, value in zip(names, values, strict=True):
                if value is not None:
                    yield _Cell(row, name, value, treatment=columns.get(name))
