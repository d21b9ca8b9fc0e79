"""What stands in the files of a dataset: a reader a kind of file, each giving all that its kind can hold.

A kind that `publish` does not write is not read as one. What a file can hold beside the values of listed
columns comes as a cell with a fault; where a reader cannot see all of a file, it raises.
"""

import csv
import mmap
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tracelab.dataset import LISTS
from tracelab.lines import Lines
from tracelab.providers.base import Tally
from tracelab.publishing.columns import COLUMNS, LINES, MODEL, PARTS, README, Treatment
from tracelab.publishing.readme import LICENCE_CHARS, Told, readme
from tracelab.warehouse import connect, identifier, open_read_only

NAMES = frozenset((README, *PARTS, LINES.removesuffix(".gz"), *(f"{table}.csv" for table in COLUMNS)))
"""What a file of a dataset may be called."""

_COLUMN = "a column that may not leave"
_NEVER_WRITTEN = "not as `tracelab publish` writes it"
_LISTED = {column: how for columns in COLUMNS.values() for column, how in columns.items()}
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BARE_GZIP = re.compile(rb"\x1f\x8b\x08\0\0\0\0\0")  # no name, no comment, no time
_BLOCK_BYTES = 16 << 10  # gzip makes 16 MiB of it at most
_README_BYTES = 1 << 20
_ROWS = 122_880  # a row group, which has a dictionary of its own
_BOUNDS = {"memory_limit": "1GB", "threads": "1", "temp_directory": ""}
_HEADERS_BYTES = 12_288
_PLAIN_TYPES = ("BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "VARCHAR", "TIMESTAMP")
_OBJECTS = {
    "schemas": "a schema",
    "views": "a view",
    "functions": "a macro",
    "types": "a type",
    "indexes": "an index",
    "sequences": "a sequence",
    "triggers": "a trigger",
    "coordinate_systems": "a coordinate system",
}
"""What a database may hold beside tables, as `duckdb_…()` lists it."""
_DUCKDB = re.compile(r"DuckDB version v[\d.]{1,12} \(build [0-9a-f]{10}\)", re.ASCII)
_ROOT = "required group field_id=-1 duckdb_schema {"
_RUNS = re.compile(rb"[ -~]{16,1000}|(?:[ -~]\0){16,1000}")
"""Plain text in bytes, in UTF-8 and UTF-16; shorter ones come up by chance."""


class NotLookedAtError(Exception):
    """Something of a file cannot be seen; the message says why."""


class Cell(NamedTuple):
    """A piece of a file."""

    row: int | None
    """From 1, the heading of a CSV file not counted; None where it is said of all rows."""
    column: str | None
    value: Any
    """A text, number, truth or instant."""
    treatment: Treatment | None = None
    """How the values of this column leave; None of any other text."""
    fault: str | None = None
    """What is wrong with it, whatever it says."""
    is_raw: bool = False
    """Bytes that only look like text."""


def cells(file: Path) -> Iterator[Cell]:
    """Give what stands in a file.

    Raises:
        NotLookedAtError: if not all of it can be seen.
        Exception: if it is not what its name says; a library's own.
    """
    if file.name == README:
        yield from _readme(file)
    elif file.name.endswith((".jsonl", ".jsonl.gz")):
        yield from _json(file)
    elif file.suffix == ".csv":
        yield from _csv(file)
    elif file.suffix == ".parquet":
        yield from _parquet(file)
        yield from _runs(file)
    elif file.suffix == ".duckdb":
        yield from _database(file)
        yield from _runs(file)
    else:
        yield from (Cell(row, None, line.decode("utf-8", "replace")) for row, line in _lines(file))
        raise NotLookedAtError("no kind of file that `tracelab publish` writes; unpack it if it is packed")


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a text file, plain or as `publish` packs it."""
    with file.open("rb", buffering=0) as opened:
        head = opened.read(4)
        if head == _ZSTD_MAGIC:
            raise NotLookedAtError("packed as zstd: unpack it")
        lines = Lines(opened, tally := Tally())
        for stretch in lines:
            for number, line in enumerate(stretch.lines, stretch.number):
                yield number, line.removesuffix(b"\n")
        if lines.fault or tally.bad_lines:
            raise NotLookedAtError(lines.fault or "a line is too long or too dense")
        if head.startswith(_GZIP_MAGIC):
            opened.seek(0)
            _check_gzip(opened)


def _check_gzip(file: Any) -> None:
    """Make sure that a gzip file, known to unpack, holds one stream alone."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    is_first = True
    while data := file.read(_BLOCK_BYTES):
        if unpacker.eof or (is_first and not _BARE_GZIP.match(data)):
            raise NotLookedAtError("a name, a time or more beside its lines: pack it with `gzip -n`")
        is_first = False
        unpacker.decompress(data)
        if unpacker.unused_data:
            raise NotLookedAtError("more than one packed piece: pack it with `gzip -n`")


def _readme(file: Path) -> Iterator[Cell]:
    if file.stat().st_size > _README_BYTES:
        raise NotLookedAtError("too long for a README")
    lines = [(row, line.decode()) for row, line in _lines(file)]
    told = Told.of("\n".join(line for _, line in lines))
    written = readme(file.parent, told.counts, told.licence, told.rules).split("\n")
    yield from (Cell(row, None, line, fault=_NEVER_WRITTEN) for row, line in lines if line not in written)
    if told.licence:
        fault = "free text" if len(told.licence) > LICENCE_CHARS else None
        yield Cell(None, "licence", told.licence, fault=fault)
    yield from (Cell(None, "allowed models", model, MODEL) for model in told.rules.allowed_models)


def _json(file: Path) -> Iterator[Cell]:
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    for row, line in _lines(file):
        try:
            record = decode(line)
            is_plain = encode(record) == line  # no key twice, no spaces, no escapes without need
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            record = None
            is_plain = False
        if not is_plain or not isinstance(record, dict):
            yield Cell(row, None, line.decode("utf-8", "replace"), fault=f"a line {_NEVER_WRITTEN}")
        if isinstance(record, dict):
            yield from _record(row, "", record, COLUMNS["rounds"])


def _record(row: int, place: str, record: dict[str, Any], columns: Mapping[str, Treatment]) -> Iterator[Cell]:
    """Give the values of an object by their columns, and those of the tables in it."""
    for name, value in record.items():
        if not place and name in LISTS and _is_table(value):
            for each in value:
                yield from _record(row, f"{name}.", each, COLUMNS[LISTS[name][0]])
            continue
        if name not in columns:
            yield Cell(row, place + name, name, fault=_COLUMN)
        if isinstance(value, dict | list):
            value = msgspec.json.encode(value).decode()
        if value is not None:
            yield Cell(row, place + name, value, columns.get(name))


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _csv(file: Path) -> Iterator[Cell]:
    rows = csv.reader((line.decode() + "\n" for _, line in _lines(file)), strict=True)
    names = next(rows, [])
    columns = COLUMNS.get(file.stem, _LISTED)
    yield from (Cell(None, name, name, fault=_COLUMN) for name in names if name not in columns)
    for row, values in enumerate(rows, start=1):
        for place, value in enumerate(values):
            if place >= len(names):
                yield Cell(row, None, value, fault="a value without a column")
            elif value:
                yield Cell(row, names[place], value, columns.get(names[place]))


def _parquet(file: Path) -> Iterator[Cell]:
    with pq.ParquetFile(file) as opened:
        about, schema = opened.metadata, opened.schema_arrow
        columns = COLUMNS.get(file.stem, {})
        yield from (Cell(None, name, name, fault=_COLUMN) for name in schema.names if name not in columns)
        extra = [about.metadata, schema.metadata, *(field.metadata for field in schema)]
        yield from (Cell(None, None, str(each), fault="metadata") for each in extra if each)
        for said, is_ours in (
            (about.created_by, _DUCKDB.fullmatch(about.created_by or "")),
            (str(opened.schema).split("\n")[1], str(opened.schema).split("\n")[1] == _ROOT),
        ):
            if not is_ours:
                yield Cell(None, None, said, fault=_NEVER_WRITTEN)
        yield from _chunks(file, about, columns)
    # as dictionaries, since one may hold what no row does
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    with pq.ParquetFile(file, read_dictionary=texts) as opened:
        yield from _table(opened.iter_batches(_ROWS), "", columns)


def _chunks(file: Path, about: Any, columns: Mapping[str, Treatment]) -> Iterator[Cell]:
    """Give what is said of columns beside their values, and make sure that they fill the file."""
    spans = []
    for group in range(about.num_row_groups):
        for place in range(about.num_columns):
            chunk = about.row_group(group).column(place)
            first = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
            spans.append((first, chunk.total_compressed_size))
            if chunk.bloom_filter_offset:
                spans.append((chunk.bloom_filter_offset, chunk.bloom_filter_length or 0))
            name, found = chunk.path_in_schema, chunk.statistics
            if found is not None and found.has_min_max:
                yield from (Cell(None, name, each, columns.get(name)) for each in (found.min, found.max))
            if chunk.metadata or chunk.file_path:
                yield Cell(None, name, f"{chunk.metadata} {chunk.file_path}", fault="metadata")
    end = 4
    for first, size in sorted(spans):
        if first != end:
            break
        end += size
    if end + about.serialized_size + 8 != file.stat().st_size:
        raise NotLookedAtError("bytes between its parts")


def _database(file: Path) -> Iterator[Cell]:
    with open_read_only(file, _BOUNDS) as dataset:
        [(database,)] = dataset.execute("select current_database()").fetchall()
        for kind, what in _OBJECTS.items():
            for each in _rows(dataset, f"from duckdb_{kind}() where database_name = $1", [database]):
                if not each.get("internal") or each.get("comment") or each.get("tags"):
                    yield Cell(None, None, str(each), fault=f"{what} that may not leave")
        for each in _rows(dataset, "from duckdb_tables() where database_name = $1", [database]):
            yield from _stored(dataset, each)
        [size] = _rows(dataset, "from pragma_database_size() where database_name = $1", [database])
        used_bytes = size["total_blocks"] * size["block_size"] + _HEADERS_BYTES
        if size["free_blocks"] or used_bytes != file.stat().st_size:
            raise NotLookedAtError("blocks that no table uses: copy it into a new file")
    _check_written_once(file)


def _check_written_once(file: Path) -> None:
    """Make sure that nothing was written over: a block used again keeps what it held behind its new end."""
    with file.open("rb") as opened:
        head = opened.read(_HEADERS_BYTES)
    # two headers, each a checksum and then how many writes there were, are written in turn
    if [int.from_bytes(head[place : place + 8], "little") for place in (4_096 + 8, 8_192 + 8)] != [1, 0]:
        raise NotLookedAtError("written to after it was made: copy it into a new file")


def _stored(dataset: duckdb.DuckDBPyConnection, about: dict[str, Any]) -> Iterator[Cell]:
    """Give a table's rows, and what is said of it beside them."""
    table = about["table_name"]
    columns = COLUMNS.get(table, {}) if about["schema_name"] == "main" else {}
    if not columns:
        yield Cell(None, None, table, fault="a table that may not leave")
    of = "where database_name = $1 and schema_name = $2 and table_name = $3 order by column_index"
    place = [about["database_name"], about["schema_name"], table]
    found = _rows(dataset, f"from duckdb_columns() {of}", place)
    for each in found:
        name = each["column_name"]
        if name not in columns:
            yield Cell(None, f"{table}.{name}", name, fault=_COLUMN)
        if each["data_type"] not in _PLAIN_TYPES:
            yield Cell(None, f"{table}.{name}", each["data_type"], fault="a type that may not leave")
        if each["comment"]:
            yield Cell(None, f"{table}.{name}", each["comment"], fault="a comment")
    if about["comment"] or about["tags"]:
        yield Cell(None, table, f"{about['comment']} {about['tags']}", fault="a comment")
    if all(each["data_type"] in _PLAIN_TYPES for each in found) and about["sql"] != _plain_sql(table, found):
        yield Cell(None, table, about["sql"], fault="a default, a constraint or a generated column")
    rows = dataset.sql(f"from {'.'.join(map(identifier, place))}")
    yield from _table(rows.to_arrow_reader(_ROWS), f"{table}.", columns)
    stored = "select sum(count) filter (column_id = 0 and segment_type <> 'VALIDITY'), bool_or(has_updates)"
    name = ".".join(map(identifier, place))
    [(count, is_updated)] = dataset.execute(f"{stored} from pragma_storage_info($1)", [name]).fetchall()
    if is_updated or (count or 0) != len(rows):
        raise NotLookedAtError("rows that were deleted or changed: copy it into a new file")


def _plain_sql(table: str, columns: Iterable[dict[str, Any]]) -> str:
    """Return how DuckDB tells a table that has columns and nothing else."""
    with connect() as engine:
        typed = ", ".join(f"{identifier(each['column_name'])} {each['data_type']}" for each in columns)
        engine.execute(f"create table {identifier(table)} ({typed})")
        [(sql,)] = engine.execute("select sql from duckdb_tables()").fetchall()
    return str(sql)


def _rows(dataset: duckdb.DuckDBPyConnection, query: str, parameters: list[str]) -> list[dict[str, Any]]:
    found = dataset.execute(query, parameters)
    names = [name for name, *_ in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _table(batches: Iterable[Any], place: str, columns: Mapping[str, Treatment]) -> Iterator[Cell]:
    """Give the different values of each column, batch by batch, at the first row that has them."""
    start = 1
    for batch in batches:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if pa.types.is_nested(column.type):  # none leaves, but what they hold is looked at
                column = pa.array([None if value is None else str(value) for value in column.to_pylist()])
            packed = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            codes = packed.indices.to_pylist()
            row_of = dict(zip(reversed(codes), range(start + len(codes) - 1, start - 1, -1), strict=True))
            for code, value in enumerate(packed.dictionary.to_pylist()):
                if value is not None:
                    yield Cell(row_of.get(code), place + name, value, columns.get(name))
        start += len(batch)


def _runs(file: Path) -> Iterator[Cell]:
    """Give what looks like text in a file's bytes: what no reader sees."""
    if file.stat().st_size:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for run in _RUNS.finditer(data):
                yield Cell(None, None, run[0].replace(b"\0", b"").decode(), is_raw=True)
