"""Files that are written whole or not at all, and why one could not be; nothing here needs DuckDB."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracelab.errors import TracelabError

_SYSTEM_SAID = re.compile(r'": ([^"\n]+)')
"""In DuckDB's errors: behind the name of the file."""

_FULL, _FREE = "No space left on device", "; free some space and try again"
"""What the system says of a full disk, and what to do."""

SCHEMAS = {
    "raw", "loader", "staging", "intermediate", "simulations", "seeds", "information_schema",
    "pg_catalog",
}  # fmt: skip
"""What DuckDB could mean by a database of that name, which it takes from the file's."""


@contextmanager
def replacing(path: Path, suffix: str = "partial") -> Iterator[Path]:
    """Give the place of a file that takes another's when it is whole, and goes if it never is.

    Raises:
        OSError: if there is something that is no file, such as a device.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no file", str(path))
    begun = beside(path, suffix)
    _remove(begun)  # of a run that was cut off
    try:
        yield begun
        begun.replace(path)
    finally:
        _remove(begun)


def cache_folder() -> Path:
    """Return where what is costly to make is kept; it may not be there, or not be writable."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tracelab"


def check_no_warehouse(path: Path, db: Path, option: str) -> None:
    """Make sure that a file to be written is not the warehouse, whatever it is called.

    Raises:
        TracelabError: if it is.
    """
    if path.exists() and db.exists() and path.samefile(db):
        raise TracelabError(f"{path} is the warehouse itself: name another place with {option}")


def check_spelled(path: Path) -> None:
    """Make sure that DuckDB can name a file or folder.

    Raises:
        TracelabError: if not.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise TracelabError(f"{path} is no name in UTF-8, and DuckDB knows no others: name another") from None


def check_name(path: Path) -> None:
    """Make sure that a warehouse may be called so.

    Raises:
        TracelabError: if DuckDB cannot name it, or would take it for a schema.
    """
    check_spelled(path)
    if path.name.lstrip(".").partition(".")[0].casefold() in SCHEMAS:
        raise TracelabError(f"{path} has the name of a schema in it: rename it, or name another with --db")


def check_folder(out: Path) -> None:
    """Make sure that results can be written to a folder, or that it can be made.

    Raises:
        TracelabError: if not.
    """
    check_spelled(out)
    there = next((place for place in (out, *out.absolute().parents) if place.exists()), out)
    if why := why_closed(there):
        raise TracelabError(f"cannot write to {out} ({why}): name another folder with --out")


def why_closed(folder: Path) -> str | None:
    """Return why nothing can be written in a folder; None where it can be."""
    if not folder.is_dir():
        return f"{folder} is no folder" if folder.exists() else "its folder does not exist"
    if os.access(folder, os.W_OK | os.X_OK):
        return None
    is_read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
    return "read-only file system" if is_read_only else "permission denied"


def unwritten(out: Path, error: Exception, option: str | None = None) -> TracelabError:
    """Return the error of a place that could not be written, and what to do about it."""
    why = why_unwritten(error)
    what = "folder" if option == "--out" else "file"
    elsewhere = f"; name another {what} with {option}" if option else "; name another place"
    return TracelabError(f"cannot write to {out}: {why}{_FREE if _FULL in why else elsewhere}")


def advice(message: str) -> str:
    """Return what to do about a warehouse that takes nothing more, to go after the message; else nothing."""
    if _FULL in message:
        return _FREE
    if re.search("Read-only file system|Permission denied|Operation not permitted|resource busy", message):
        return "; name another file with --db"
    return ""


def why_unwritten(error: Exception) -> str:
    """Return what the system said when a file could not be written, without the words around it."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    found = _SYSTEM_SAID.search(str(error))
    return found[1] if found else first_line(error)


def first_line(error: Exception) -> str:
    """Return the first line of what DuckDB says, its kind left out."""
    return str(error).partition("\n")[0].removeprefix("IO Error: ")


def beside(path: Path, suffix: str) -> Path:
    """Return where a file is begun that is to take another's place: hidden, in the same folder."""
    return path.with_name(f".{path.name}.{suffix}")


def wal_of(path: Path) -> Path:
    """Return where DuckDB keeps what it has not yet put into a warehouse's file."""
    return path.with_name(f"{path.name}.wal")


def _remove(begun: Path) -> None:
    """Remove a file that was begun, and what DuckDB left beside it."""
    for path in (begun, wal_of(begun)):
        path.unlink(missing_ok=True)
    shutil.rmtree(_folder_of(begun), ignore_errors=True)


@contextmanager
def private_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside a database that nobody else may look into, for the time of its use.

    Raises:
        OSError: if it cannot be made, or DuckDB uses it.
    """
    folder = _folder_of(path)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder_of(path: Path) -> Path:
    """Return where DuckDB puts what a database has no memory for, and clears away."""
    return path.with_name(f"{path.name}.tmp")
