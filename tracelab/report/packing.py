"""How data lies in the page: JSON, compressed and in letters that no script can be closed with."""

import base64
import gzip
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import polars as pl


def packed(value: object) -> str:
    """Return JSON, gzipped, in base64: the same value gives the same text."""
    return packed_text(to_json(value))


def packed_text(text: str) -> str:
    """Return a text, gzipped, in base64."""
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()


def to_json(value: object) -> str:
    """Return JSON without a space too many; instants are ISO 8601, money is a number."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_plain)


def columns(frame: pl.DataFrame) -> dict[str, list[object]]:
    """Return a frame by column; what is no finite number is null, for JSON has neither."""
    return {column.name: _finite(column.to_list()) for column in frame}


def _finite(values: Sequence[object]) -> list[object]:
    return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]


def _plain(value: object) -> object:
    match value:
        case Decimal():
            return float(value)
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return dict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
