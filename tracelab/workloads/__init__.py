"""Workloads for serving benchmarks: a warehouse's steps in the formats that their readers take.

A module a format; `selection` reads the marts for all of them, `blocks` makes the ids of those that have any.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from tracelab import __version__
from tracelab.errors import TracelabError
from tracelab.files import check_folder, check_no_warehouse, check_spelled, unwritten
from tracelab.status import Status, status
from tracelab.text import counted, table
from tracelab.warehouse import open_read_only, quoted
from tracelab.workloads import agentic_mooncake, mooncake, replay, tracelab_rows, vllm_synthetic, weka
from tracelab.workloads.selection import Counts, Filters, Job, select_steps

FORMATS: Mapping[str, Callable[[Job], Mapping[str, Any]]] = {
    "weka": weka.write,
    "tracelab": tracelab_rows.write,
    "mooncake": mooncake.write,
    "mooncake-sessions": mooncake.write_sessions,
    "agentic-mooncake": agentic_mooncake.write,
    "replay": replay.write,
    "vllm-synthetic": vllm_synthetic.write,
}
"""Format → its writer, which returns what only it knows for the manifest."""

_WITHOUT_WAITS = ("tracelab", "vllm-synthetic")
"""One tells waits for tools and for persons apart by itself, the other has none."""


class Workload(NamedTuple):
    """A workload that was written."""

    files: list[Path]
    """The workload first, then what stands beside it."""
    manifest: dict[str, Any]
    """What it was made of: the load, the filters, counts, and what its format adds."""


def export_workload(
    db: Path, format: str, out: Path, *, filters: Filters | None = None, text_files: Sequence[Path] = ()
) -> Workload:
    """Write a workload to `out`, and beside it a manifest and, for most formats, what each wait was for.

    Args:
        db: the warehouse.
        format: one of `FORMATS`.
        out: a file, which is replaced; for `weka` a folder, which must not be there or be empty.
        filters: which conversations to take, by default all; an instant without a zone is UTC.
        text_files: what vLLM makes prompts of, by name; `vllm-synthetic` needs one, and no other takes any.

    Raises:
        TracelabError: if the tables are missing or older than what is loaded, nothing is left to write, or
            `out` cannot be written.
    """
    filters = filters or Filters()
    filters = filters._replace(since=_utc(filters.since), until=_utc(filters.until))
    _check(db, format, out, text_files)
    state = status(db)
    if state.built_at is None or state.is_stale:
        raise TracelabError("the tables are missing or older than what is loaded: run `tracelab build`")
    names = _files(format, out)
    _, *waits, about = names
    scratch, spilled = (out.with_name(f".{out.name}.{end}") for end in ("partial", "spilled"))
    partials = {path: scratch / path.name for path in names}
    # beside what is written, which takes as much: the warehouse may be where nothing can be written
    settings = {**_SETTINGS, "temp_directory": str(spilled.absolute())}
    for folder in (scratch, spilled):  # of a run that was cut off
        shutil.rmtree(folder, ignore_errors=True)
    with open_read_only(db, settings, out=scratch) as warehouse:
        try:
            counts = select_steps(warehouse, filters)
            [(load_id,)] = warehouse.execute(_LOAD_ID).fetchall()
            job = Job(warehouse, partials[out], load_id, out.suffix == ".gz", text_files)
            scratch.mkdir(parents=True)
            manifest = _manifest(format, job, state, filters, counts) | dict(FORMATS[format](job))
            for path in waits:
                warehouse.execute(f"copy ({_WAITS}) to '{quoted(partials[path])}' (format csv, header)")
            partials[about].write_text(json.dumps(manifest, indent=2) + "\n")
            for path, partial in partials.items():
                partial.replace(path)
        except duckdb.OutOfMemoryException as error:
            raise TracelabError("so many steps need too much memory: narrow --since and --until") from error
        except (OSError, duckdb.IOException) as error:
            raise unwritten(out, error, "--out") from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return Workload(names, manifest)


def as_text(workload: Workload) -> str:
    """Say what a workload holds, and how well its distributions fit where it has any."""
    manifest = workload.manifest
    left_out = manifest["steps_left_out"]
    lines = [
        f"{counted(manifest['conversations'], 'conversation')}, {counted(manifest['sessions'], 'session')},"
        f" {counted(manifest['steps'], 'step')}: {manifest['input_tokens']:,} input and"
        f" {manifest['output_tokens']:,} output tokens"
        + (f"; left out: {counted(left_out, 'step')} without a prompt or time" if left_out else "")
    ]
    if fits := manifest.get("fits"):
        rows = [
            [part["of"], _described(part["parameters"]), f"{part['values']:,}", f"{part['distance']:.3f}"]
            for part in fits
        ]
        lines.append(table(["of", "drawn from", "values", "off by"], rows, [False, False, True, True]))
    return "\n".join(lines)


def _described(parameters: Mapping[str, str | float]) -> str:
    name, *rest = parameters.values()
    labels = list(parameters)[1:]
    return f"{name} " + ", ".join(f"{label} {value}" for label, value in zip(labels, rest, strict=True))


def _utc(at: datetime | None) -> datetime | None:
    """Return an instant as the marts have it: UTC, without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None) if at and at.tzinfo else at


def _check(db: Path, format: str, out: Path, text_files: Sequence[Path]) -> None:
    if format not in FORMATS:
        raise TracelabError(f"there is no workload format {format}; there is {', '.join(FORMATS)}")
    if (format == "vllm-synthetic") != bool(text_files):
        raise TracelabError(
            "vllm-synthetic, and no other format, needs texts to make prompts of: name one with --text-file"
        )
    if out.suffix == ".gz" and format != "tracelab":
        raise TracelabError(f"{format} is not packed: name a file without .gz")
    check_spelled(out)
    check_folder(out.absolute().parent)
    if format == "weka":
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise TracelabError(f"{out} is there, and no empty folder: name another with --out")
    elif out.is_dir():
        raise TracelabError(f"{out} is a folder: name a file with --out")
    for path in _files(format, out):
        if path != out and path.is_dir():
            raise TracelabError(f"{path} is a folder: name another file with --out")
        check_no_warehouse(path, db, "--out")


def _files(format: str, out: Path) -> list[Path]:
    """Return what is written: the workload, what each of its waits was for, if anything, and the manifest."""
    waits, about = _beside(out, "waits.csv"), _beside(out, "manifest.json")
    return [out, about] if format in _WITHOUT_WAITS else [out, waits, about]


def _manifest(format: str, job: Job, state: Status, filters: Filters, counts: Counts) -> dict[str, Any]:
    return {
        "format": format,
        "tracelab": __version__,
        "load_id": job.load_id,
        "built_at": f"{state.built_at:%Y-%m-%dT%H:%M:%SZ}",
        "filters": {
            "sessions": len(filters.sessions) or None,  # how many: the ids say whose log it is
            "since": filters.since and f"{filters.since.isoformat()}Z",
            "until": filters.until and f"{filters.until.isoformat()}Z",
        },
        **counts._asdict(),
    }


def _beside(out: Path, what: str) -> Path:
    return out.with_name(f"{out.name}.{what}")


_SETTINGS = {"memory_limit": "600MB", "threads": "2", "python_enable_replacements": "false"}
# the same logs have the same id, wherever and whenever they are loaded
_LOAD_ID = """
select left(sha256(coalesce(string_agg(consumed_sha256, ' ' order by consumed_sha256), '')), 16)
from raw.files
"""
_WAITS = """
select step_key as step, wait_ms, tool_ms, human_ms, other_ms
from workload_steps
order by submitted_ms, conversation_number, session_number, step_number
"""
