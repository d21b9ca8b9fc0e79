"""One file to hand around: the whole workload on a page that needs no server and no network."""

from pathlib import Path

from tracelab.errors import TracelabError


def build_report(db: Path, out: Path) -> Path:
    """Write the report of a built warehouse to `out`, one HTML file; return it.

    Raises:
        TracelabError: if the warehouse is not built, or `out` is it or cannot be written.
    """
    from tracelab.files import check_no_warehouse, replacing, unwritten, why_closed
    from tracelab.report.pictures import processes
    from tracelab.warehouse import open_read_only

    folder = out.resolve().parent
    why = "it is a folder" if out.is_dir() else why_closed(folder)
    if why:
        raise TracelabError(f"cannot write {out} ({why}): name another file with --output")
    check_no_warehouse(out, db, "--output")
    with open_read_only(db) as warehouse, processes() as pool:
        from tracelab.report.page import page  # takes as long as the processes to start

        text = page(db, warehouse, pool)
    try:
        with replacing(out) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritten(out, error, "--output") from error
    return out
