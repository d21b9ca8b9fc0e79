"""The command line: each command calls one public function and prints what it returns.

Results go to standard output, everything else to standard error. Nothing heavy is imported before a
command runs.
"""

import gc
import io
import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from tracelab import __version__
from tracelab.charts import NAMES
from tracelab.errors import TracelabError

if TYPE_CHECKING:
    from tracelab.load import LoadReport
    from tracelab.progress import Count, Report

_DAMAGE = re.compile("Corrupt database file|Could not read enough bytes")
_KEEP_MEMORY = "dirty_decay_ms:10000"
"""For DuckDB's allocator: what one query freed the next one takes, if it comes within ten seconds. To give it
back to the system, and get it anew, costs a build a twentieth of its time; to keep it for ever, memory."""
_FAILED, _SET_ASIDE, _INTERRUPTED = 1, 3, 130


class TableFormat(StrEnum):
    """File formats of `export`."""

    csv = "csv"
    parquet = "parquet"
    duckdb = "duckdb"


class WorkloadFormat(StrEnum):
    """What `export --workload` writes: formats that serving benchmarks read."""

    weka = "weka"
    tracelab = "tracelab"
    mooncake = "mooncake"
    mooncake_sessions = "mooncake-sessions"
    agentic_mooncake = "agentic-mooncake"
    replay = "replay"
    vllm_synthetic = "vllm-synthetic"


class AnswerFormat(StrEnum):
    """How `sql` writes its answer."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def _examples(*lines: str) -> str:
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at.astimezone(UTC)
        return at
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"'{text}' is no time: write 2026-10-01 or 2026-10-01T12:00") from None


Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH...",
        readable=False,  # told by who reads it, what else is named being loaded
        help="Homes, folders, log files or published datasets (.jsonl, .gz, .zst, DuckDB), instead of this"
        " user's own sessions.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to; made if it is missing.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with status 3 if some input was set aside.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]
Timezone = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        metavar="ZONE",
        help="Zone that days are cut in, such as Europe/Berlin; by default this machine's.",
        show_default=False,
    ),
]


class _Commands(TyperGroup):
    """All commands, and where their common option belongs."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if getattr(error, "option_name", None) != "--db":
                raise
            usage = f"tracelab --db FILE {ctx.invoked_subcommand}"
            raise typer.BadParameter(f"--db goes before the command: {usage}") from None


app = typer.Typer(
    cls=_Commands,
    help="Session logs of coding agents (Claude Code, Codex) as a DuckDB warehouse to query.",
    epilog="Start with `tracelab run`: it loads your sessions, builds the tables, exports and charts.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command; what could not be done becomes one message and exit status 1."""
    os.environ.setdefault("DUCKDB_JE_MALLOC_CONF", _KEEP_MEMORY)  # before anything imports DuckDB
    try:
        Path.home()
    except RuntimeError:  # a container's user may have none, and libraries ask as they are imported
        os.environ["HOME"] = "/nonexistent"
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed: what is opened next, the warehouse, would be in its place
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # paths may hold what no encoding knows
    try:
        Path.cwd()
    except FileNotFoundError:
        print("tracelab: the folder that you are in is gone: change to another one", file=sys.stderr)
        sys.exit(_FAILED)
    try:
        app(prog_name="tracelab")
    except TracelabError as error:
        print(f"tracelab: {error}", file=sys.stderr)
        sys.exit(_FAILED)
    except OSError as error:
        said = f"{error.strerror}: {error.filename}"
        if error.filename is None:
            said = f"cannot write the output: {error.strerror}"
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python 3.14 would try it again, and tell
        print(f"tracelab: {said}", file=sys.stderr)
        sys.exit(_FAILED)
    except Exception as error:  # of DuckDB, when it is interrupted or comes to a damaged block
        if str(error) == "Query interrupted":
            _end_interrupted()
        if not _DAMAGE.search(str(error)):
            raise
        print(
            "tracelab: the warehouse is damaged: move it away and load again, or name another with --db",
            file=sys.stderr,
        )
        sys.exit(_FAILED)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _end_interrupted()
        raise
    finally:
        gc.freeze()  # an interpreter that ends looks for garbage once more, half a second after a build


def _end_interrupted() -> NoReturn:
    print("tracelab: interrupted; run it again to go on: what was not finished is as it was", file=sys.stderr)
    sys.exit(_INTERRUPTED)


def _say_version(is_asked: bool) -> None:
    if is_asked:
        _print(f"tracelab {__version__}")
        raise typer.Exit


@app.callback()
def _database(
    context: typer.Context,
    db: Annotated[
        Path,
        typer.Option(
            "--db",
            metavar="FILE",
            envvar="TRACELAB_DB",
            readable=False,
            help="The warehouse, a DuckDB file.",
        ),
    ] = Path("tracelab.duckdb"),
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    from tracelab.files import check_name

    check_name(db)
    context.obj = db


@app.command(
    epilog=_examples(
        "tracelab load",
        "tracelab load ~/old-logs session.jsonl.gz",
        "sudo tracelab --db all.duckdb load --all-users",
    )
)
def load(
    context: typer.Context,
    paths: Paths = None,
    all_users: Annotated[
        bool, typer.Option("--all-users", help="Take every home under --home-root.")
    ] = False,
    home_root: Annotated[
        Path | None,
        typer.Option("--home-root", metavar="DIR", help="Folder that holds the homes; by default /home."),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Drop what was loaded of files that are gone.")
    ] = False,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Read session logs into the warehouse.

    Finds this user's Claude Code and Codex sessions, or takes what is named. Files that are loaded already
    cost almost nothing; what cannot be read is set aside, and `tracelab status` says why. No text is stored:
    neither what you wrote nor what a model or a tool answered.
    """
    if paths and all_users:
        raise typer.BadParameter("--all-users takes the homes below --home-root: name no PATH")
    if home_root and not all_users:
        raise typer.BadParameter("--home-root says where --all-users looks: add that, or name homes as PATHs")
    from tracelab.discover import HOME_ROOT
    from tracelab.load import load as load_logs
    from tracelab.text import load_json, load_line

    report = load_logs(
        paths or (),
        db=context.obj,
        all_users=all_users,
        home_root=home_root or HOME_ROOT,
        prune=prune,
        progress=_progress(),
    )
    _print(load_json(report) if as_json else load_line(report))
    _judge(report, strict)


@app.command(
    epilog=_examples(
        "tracelab build",
        "tracelab build --timezone Europe/Berlin",
        "tracelab build --select requests+",
    )
)
def build(
    context: typer.Context,
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select", metavar="MODELS", help="Only these, in dbt's selection syntax; may be repeated."
        ),
    ] = None,
    timezone: Timezone = None,
) -> None:
    """Build the tables from what is loaded, and test them."""
    from tracelab.build import build as build_tables

    _say_doing("building …")
    _print(build_tables(context.obj, select=select or (), timezone=timezone, progress=_count()))


@app.command(
    epilog=_examples(
        "tracelab export",
        "tracelab export steps requests --format parquet --out data",
        "tracelab export --format duckdb --out to-share",
        "tracelab export --workload mooncake --out mooncake.jsonl --since 2026-10-01",
    )
)
def export(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Tables, by default all summaries.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="PATH",
            help="Folder for tables, made if missing, by default out; file of a workload (weka: folder).",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        TableFormat | None,
        typer.Option("--format", help="Of tables, by default csv; duckdb: the whole warehouse, compact."),
    ] = None,
    workload: Annotated[
        WorkloadFormat | None,
        typer.Option("--workload", help="Write the steps for a serving benchmark instead of tables."),
    ] = None,
    sessions: Annotated[
        list[str] | None,
        typer.Option("--sessions", metavar="ID", help="Only this session's conversation; may be repeated."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            parser=_time,
            metavar="TIME",
            help="Only conversations that started then or later: 2026-10-01 or 2026-10-01T12:00, UTC.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            parser=_time,
            metavar="TIME",
            help="Only conversations that started before, UTC.",
        ),
    ] = None,
    text_files: Annotated[
        list[Path] | None,
        typer.Option(
            "--text-file",
            metavar="FILE",
            help="What vllm-synthetic makes prompts of, by name; may be repeated.",
        ),
    ] = None,
) -> None:
    """Write tables or workloads as files, and print their names.

    Tables are the summaries and what they are made of: steps, tool_calls, idle_gaps, cache_reuse, requests,
    sessions, compactions. A workload is the steps as requests to send: sizes, times and block ids, no names.
    The same warehouse gives the same bytes each time. In CSV, an apostrophe stands before text that a
    spreadsheet would run as a formula, such as -home-ada; parquet has it as it is.
    """
    if workload is None:
        if sessions or since or until or text_files:
            raise typer.BadParameter("--sessions, --since, --until and --text-file are for a --workload")
        _export_tables(context.obj, out or Path("out"), names or (), format or TableFormat.csv)
        return
    if names or format or out is None:
        raise typer.BadParameter("a --workload takes no NAME and no --format, and needs --out")
    from tracelab.workloads import as_text, export_workload
    from tracelab.workloads.selection import Filters

    _say_doing("writing …")
    written = export_workload(
        context.obj,
        workload.value,
        out,
        filters=Filters(sessions or (), since, until),
        text_files=text_files or (),
    )
    _say(as_text(written))
    for path in written.files:
        _print(path)


def _export_tables(db: Path, out: Path, names: Sequence[str], format: TableFormat) -> None:
    from tracelab.export import export_tables, export_warehouse

    if format is TableFormat.duckdb:
        if names:
            raise typer.BadParameter("--format duckdb copies the whole warehouse: name no table")
        _say_doing("copying …")
        _print(export_warehouse(db, out))
        return
    _say_doing("writing …")
    for path in export_tables(db, out, names, format="parquet" if format is TableFormat.parquet else "csv"):
        _print(path)
    _say_if_stale(db)


@app.command(
    epilog=_examples(
        "tracelab chart",
        "tracelab chart tool_latency miss_causes --format svg --out figures",
    )
    + f"\n\nCharts: {', '.join(name for names in NAMES.values() for name in names)}."
)
def chart(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Charts, by default all.", show_default=False),
    ] = None,
    out: Out = Path("out"),
    formats: Annotated[
        str, typer.Option("--format", metavar="html,svg,png,json", help="File formats, comma-separated.")
    ] = "html,svg,png",
) -> None:
    """Draw charts, and print the names of their files."""
    chosen = _chart_formats(formats)
    from tracelab.charts import draw_charts

    _say_doing("drawing …")
    for path in draw_charts(context.obj, out, names or (), chosen):
        _print(path)
    _say_if_stale(context.obj)


@app.command(
    epilog=_examples(
        "tracelab report",
        "tracelab --db friend.duckdb report --output friend.html",
    )
)
def report(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="File to write.")] = Path(
        "report.html"
    ),
) -> None:
    """Write everything as one HTML page, and print its name.

    Charts, what they show, the tables and the SQL behind them, and a session explorer. The page needs no
    server and no network, and holds what the warehouse does: sizes, names and times.
    """
    from tracelab.report import build_report

    _say_doing("drawing …")
    _print(build_report(context.obj, output))
    _say_if_stale(context.obj)


@app.command(
    epilog=_examples(
        'tracelab sql "show tables"',
        'tracelab sql "describe steps"',
        'tracelab sql "from requests order by response_ms desc limit 5"',
        'tracelab sql "from steps" --output steps.parquet',
        "tracelab sql - --format csv < question.sql",
    )
)
def sql(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(metavar="QUERY|-", help="One SELECT statement; - reads it from standard input.")
    ],
    format: Annotated[
        AnswerFormat | None,
        typer.Option(
            "--format",
            help="How to write the answer; by default as --output ends (csv, json, parquet), else a table.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write to a file instead.", show_default=False),
    ] = None,
) -> None:
    """Ask the warehouse in SQL.

    The tables: steps, tool_calls, idle_gaps, cache_reuse, requests, sessions, compactions, and summaries made
    of them. A query only reads, and cannot hurt: no writes, no files, no network, bounded time and memory.
    """
    from tracelab.sql import run_sql, write_sql

    text = sys.stdin.read() if query == "-" else query
    chosen = format or (_answer_format(output) if output else AnswerFormat.table)
    if output:
        write_sql(context.obj, text, output, format=chosen.value)
    else:
        run_sql(context.obj, text, sys.stdout.buffer, format=chosen.value)


@app.command(
    epilog=_examples(
        "tracelab status",
        "tracelab --db other.duckdb status --json",
    )
)
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is loaded and built, and what was set aside.

    From which files, how fresh it is, and why something was set aside, with a place to look.
    """
    from tracelab import status as state

    found = state.status(context.obj)
    _print(state.as_json(found) if as_json else state.as_text(found))


@app.command(
    epilog=_examples(
        "tracelab compare",
        "tracelab compare | less",
        'tracelab sql "from compare_published where ratio > 2"',
    )
)
def compare(context: typer.Context) -> None:
    """Put these numbers beside the paper's published ones.

    Each published figure with ours, how far chance may have moved ours, and whether the two compare at all;
    the others are counted by the reason. The table compare_published has every figure, as `tracelab export`
    writes it with the intervals too.
    """
    from tracelab.compare import compare as compare_figures
    from tracelab.compare_page import comparison_page

    _print(comparison_page(compare_figures(context.obj)))
    _say_if_stale(context.obj)


@app.command(
    epilog=_examples(
        "tracelab publish shared --licence CC-BY-4.0",
        "tracelab publish shared --shift-times --min-users 3",
        "tracelab --db other.duckdb load shared/rounds.jsonl.gz",
    )
)
def publish(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make; it may not hold anything yet.")],
    licence: Annotated[
        str | None,
        typer.Option("--licence", metavar="NAME", help="Licence to name in the README.", show_default=False),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="MODEL",
            help="Keep the name of a model without a known price; may be repeated.",
        ),
    ] = None,
    min_users: Annotated[
        int,
        typer.Option(
            "--min-users",
            metavar="K",
            min=1,
            help="Generalise names that fewer users have; with fewer users in all, publish nothing.",
        ),
    ] = 1,
    shift_times: Annotated[
        bool,
        typer.Option(
            "--shift-times",
            help="Move each user's times back by a secret span; prices go by date, so that costs change too.",
        ),
    ] = False,
    round_times: Annotated[
        int | None,
        typer.Option(
            "--round-times",
            metavar="SECONDS",
            min=1,
            max=31_536_000,
            help="Cut times down to multiples of so many seconds.",
            show_default=False,
        ),
    ] = None,
    fresh_key: Annotated[
        bool, typer.Option("--fresh-key", help="Break the link to earlier releases: a new key for good.")
    ] = False,
) -> None:
    """Write a dataset to share, and print the names of its files.

    The same rows as JSON Lines, Parquet and a DuckDB file, with a README. Only listed columns leave,
    identifiers as keyed pseudonyms; the key stays beside the warehouse, and keeps them the same from release
    to release. Sizes and times stay exact: a fingerprint for who has the logs.
    """
    from tracelab.publishing import Rules
    from tracelab.publishing import publish as publish_dataset

    rules = Rules(allow or (), shift_times, round_times, min_users)
    _say_doing("publishing …")
    for path in publish_dataset(context.obj, out, rules, licence=licence, fresh_key=fresh_key).files:
        _print(path)


@app.command(
    epilog=_examples(
        "tracelab audit shared",
        "tracelab --db team.duckdb audit rounds.jsonl.gz",
    )
)
def audit(
    context: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="PATH", readable=False, help="A file, or a folder of files.")
    ],
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="MODEL", help="A model that `publish` was told to --allow."),
    ] = None,
) -> None:
    """Look for leaks in a dataset.

    Exits with status 1 if it holds anything that `tracelab publish` would not have written, or that cannot be
    looked at. Says what it looks like: a path, an e-mail address, a secret, a user of this machine, free
    text, or what the warehouse, if there is one, names. Gives the place of each, never what stands there.
    """
    from tracelab.publishing.audit import audit as find_leaks
    from tracelab.text import counted

    count = 0
    _say_doing("looking …")
    for finding in find_leaks(path, db=context.obj, allowed_models=allow or ()):
        _print(finding)
        count += finding.times
    if count:
        _say(f"{counted(count, 'finding')}: share nothing of this while it holds any")
        raise typer.Exit(_FAILED)
    if not context.obj.exists():
        _say(f"no warehouse at {context.obj}: names that one holds were not looked for")
    _print(f"nothing found in {path}")


@app.command(
    epilog=_examples(
        "tracelab run",
        "tracelab --db friend.duckdb run /media/backup/friend --out friend",
    )
)
def run(
    context: typer.Context,
    paths: Paths = None,
    out: Out = Path("out"),
    strict: Strict = False,
    timezone: Timezone = None,
) -> None:
    """Load, build, export and chart, and print what was found.

    The short way: CSV files of every summary and all charts are in --out afterwards, and the tables in the
    warehouse, for `tracelab sql`.
    """
    from tracelab import run as everything

    report = everything.run(
        paths or (),
        db=context.obj,
        out=out,
        timezone=timezone,
        progress=_progress(),
        count=_count(),
        say=_say,
    )
    _print(everything.as_text(report, context.obj, out))
    _judge(report.loaded, strict)


def _print(result: object) -> None:
    print(result, flush=True)  # so that a reader who left is noticed here, not when Python ends


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _say_if_stale(db: Path) -> None:
    from tracelab.status import are_tables_stale
    from tracelab.warehouse import STALE

    if are_tables_stale(db):
        _say(STALE)


def _progress() -> "Report | None":
    from tracelab.progress import terminal_report

    return terminal_report(sys.stderr) if sys.stderr.isatty() else None


def _count() -> "Count | None":
    from tracelab.progress import terminal_count

    return terminal_count(sys.stderr) if sys.stderr.isatty() else None


def _say_doing(text: str) -> None:
    """Say what takes a while, to somebody who waits for it."""
    if sys.stderr.isatty():
        _say(text)


def _chart_formats(text: str) -> list[str]:
    formats = text.replace(" ", "").split(",")
    if unknown := sorted(set(formats) - {"html", "svg", "png", "json"}):
        raise typer.BadParameter(
            f"{', '.join(unknown)} is not one of html, svg, png, json", param_hint="--format"
        )
    return list(dict.fromkeys(formats))


def _answer_format(output: Path) -> AnswerFormat:
    suffix = output.suffix.removeprefix(".").lower()
    if suffix not in AnswerFormat.__members__:  # a table would show the first rows alone
        raise typer.BadParameter(
            f"{output} does not end in .csv, .json or .parquet: rename it, or add --format",
            param_hint="--output",
        )
    return AnswerFormat(suffix)


def _judge(report: "LoadReport", strict: bool) -> None:
    """Say what was left out; that is an error only if `strict`."""
    for place in report.skipped:
        _say(f"skipped {place.path}: {place.reason}")
    if strict and report.files_with_issues:
        _say("some input was set aside: `tracelab status` says what and why")
    if strict and (report.files_with_issues or report.skipped):
        raise typer.Exit(_SET_ASIDE)
