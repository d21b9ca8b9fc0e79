"""Where session logs lie: this user's, everybody's, or what is named; told by folder and file name alone.

Hidden folders are walked, links are followed once, and the result is sorted, so that the same disk gives the
same files in the same order. What may not be read is reported, never an error.
"""

import getpass
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tracelab.errors import TracelabError

HOME_ROOT = Path("/home")

_CLAUDE_FOLDERS = (".claude", ".config/claude", ".claude.back")
_CODEX_STORES = ("sessions", "archived_sessions")
_HOME_STORES = (
    *(f"{folder}/projects" for folder in _CLAUDE_FOLDERS),
    *(f".codex/{store}" for store in _CODEX_STORES),
)
_STORE = re.compile(
    r".*/((?:\.claude|\.config/claude|\.claude\.back)/projects|\.codex/(?:archived_)?sessions)/"
)
_LOG = re.compile(r"(?P<stem>.+)\.jsonl(?P<packed>|\.zst|\.gz)")
_PACKED = ("", ".zst", ".gz")  # of one log, the first that is there counts
_LEFTOVER = re.compile(r"(?P<stem>.+?)(?:\.jsonl)?\.(?:orphaned|superseded)")
_OTHER_FILES = {"history", "journal", "session_index"}
_OTHER_FOLDERS = {"file-history", "shell-snapshots", "todos", "tool-results"}


class LogFile(NamedTuple):
    """A file that may be a session log, as it is on disk now."""

    file_id: str
    """The file's key: 16 hex digits of the SHA-256 of its absolute path."""
    path: str
    """Absolute. A string, since there are thousands, sent from process to process."""
    store: str | None
    """The client's folder it lies in, such as `.claude/projects`."""
    user_name: str | None
    """Whose it is; None for a path given by hand."""
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    """When anything of the file or its sidecar changed: no program can set it, as it can `mtime_ns`."""
    is_live: bool = False
    """Whether it is likely to grow: then what is known of it where it ends is kept."""


class Skipped(NamedTuple):
    """A place that could not be searched, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a search found."""

    files: tuple[LogFile, ...]
    """In the order of their paths, each file once."""
    places: tuple[Path, ...]
    """Folders searched and files named: only what lay in these can be called gone."""
    skipped: tuple[Skipped, ...]
    home_root: Path | None = None
    """Of all users: what lay in a store of a home in it can be gone too, with the home."""


class _Place(NamedTuple):
    path: Path
    store: str | None = None
    user_name: str | None = None


def discover(
    paths: Sequence[Path] = (), *, all_users: bool = False, home_root: Path = HOME_ROOT
) -> Discovery:
    """Find session logs: in `paths` (homes, folders, files), else of all users, else of this one.

    Raises:
        TracelabError: if a path is not there.
    """
    skipped: list[Skipped] = []
    home_root = _absolute(home_root)
    if paths:
        places = [place for path in paths for place in _named(path, home_root)]
    elif all_users:
        places = list(_everybodys(home_root, skipped))
    else:
        places = list(_own(skipped))
    files = _distinct((path, place) for place in places for path in _logs_in(place, skipped))
    root = home_root if all_users and not paths else None
    return Discovery(files, tuple(place.path for place in places), tuple(skipped), root)


def nothing_found(found: Discovery) -> TracelabError:
    """Return the error of a search in vain: it says where, and how to try the sample."""
    looked = ", ".join(map(str, [found.home_root] if found.home_root else found.places))
    closed = "".join(f"; skipped {path} ({reason})" for path, reason in found.skipped)
    folders = [place for place in found.places if place.is_dir()]
    is_dataset = any(any(folder.glob(f"*.{kind}")) for folder in folders for kind in ("duckdb", "parquet"))
    dataset = (
        " A dataset is loaded by its lines (.jsonl.gz), or by its DuckDB file's name." if is_dataset else ""
    )
    return TracelabError(
        f"no session log found; looked in {looked}{closed}.{dataset}"
        f" Name a home, a folder or a file, or try the sample: tracelab run {sample_home()}"
    )


def sidecar_of(log: str) -> str | None:
    """Return where the client writes what it knows of a subagent, beside the subagent's log."""
    folder, _, name = log.rpartition(os.sep)
    if not name.startswith("agent-"):
        return None
    return f"{folder}{os.sep}{name.partition('.jsonl')[0]}.meta.json"


def ctime_ns(status: os.stat_result, sidecar: str | None) -> int:
    """Return when a log last changed, a sidecar's time added where one is read with it.

    Of the later of the two alone it would not be seen that the other has gone.
    """
    try:
        return status.st_ctime_ns + (os.stat(sidecar).st_ctime_ns if sidecar else 0)
    except OSError:
        return status.st_ctime_ns


def is_stored(path: str, home_root: Path) -> bool:
    """Say whether a path is in a store of some home, be it there or not."""
    in_root = path.removeprefix(f"{str(home_root).rstrip(os.sep)}{os.sep}")
    in_home = in_root.partition(os.sep)[2] if in_root != path else ""
    return in_home.startswith(tuple(f"{store}{os.sep}" for store in _HOME_STORES))


def log_name(path: str) -> str:
    """Return what a log and its packed copies and leftovers share, of which a search finds one."""
    folder, _, name = path.rpartition(os.sep)
    found = _LEFTOVER.match(name) or _LOG.fullmatch(name)
    return f"{folder}{os.sep}{found['stem']}" if found else path


def printable_name(name: str | None) -> str | None:
    """Return a file's or person's name as UTF-8 can hold it: on disk names are bytes."""
    return name and os.fsencode(name).decode("utf-8", "replace")


def sample_home() -> Path:
    """Return the home folder with sample sessions that ships inside the package."""
    return Path(__file__).parent / "sample" / "home"


def _own(skipped: list[Skipped]) -> Iterator[_Place]:
    """Give the places of the user who runs this, as the clients' own settings name them."""
    home, user_name = Path.home(), _login()
    config = _absolute(Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config"))
    yield _Place(home / ".claude/projects", ".claude/projects", user_name)
    yield _Place(config / "claude/projects", ".config/claude/projects", user_name)
    yield _Place(home / ".claude.back/projects", ".claude.back/projects", user_name)
    for named in _folders_of("CLAUDE_CONFIG_DIR", skipped):
        yield _Place(named / "projects", f"{named.name}/projects", user_name)
    for codex in _folders_of("CODEX_HOME", skipped) or [home / ".codex"]:
        for store in _CODEX_STORES:
            yield _Place(codex / store, f"{codex.name}/{store}", user_name)


def _folders_of(variable: str, skipped: list[Skipped]) -> list[Path]:
    """Return the folders a setting names; one that is not there is misspelt, or on a disk that is away."""
    told = os.environ.get(variable, "")
    names = told.split(",") if variable == "CLAUDE_CONFIG_DIR" else [told]
    folders = [_absolute(Path(name.strip())) for name in names if name.strip()]
    absent = (folder for folder in folders if not _is_there(_Place(folder)))
    skipped += (Skipped(folder, f"no folder, though {variable} names it") for folder in absent)
    return folders


def _login() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return None


def _everybodys(home_root: Path, skipped: list[Skipped]) -> Iterator[_Place]:
    try:
        homes = sorted(entry for entry in home_root.iterdir() if entry.is_dir())
    except OSError as error:
        raise TracelabError(
            f"cannot list the homes under {home_root} ({_why(error)}): name their folder with --home-root"
        ) from error
    for home in homes:
        if os.access(home, os.X_OK):
            yield from _home(home, home.name)
        else:
            skipped.append(Skipped(home, "permission denied"))


def _home(home: Path, user_name: str | None) -> Iterator[_Place]:
    """Give all stores of a home, since one that is not there may have been."""
    for store in _HOME_STORES:
        yield _Place(home / store, store, user_name)


def _is_there(store: _Place) -> bool:
    try:
        return stat.S_ISDIR(os.stat(store.path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # closed: the search will say so


def _named(path: Path, home_root: Path) -> list[_Place]:
    """Give the places of a path given by hand: the stores of a person's home, else the path itself."""
    path = _absolute(path)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise TracelabError(f"cannot load {path}: {_why(error)}") from error
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise TracelabError(
            f"cannot load {path}: neither a folder nor a regular file; save it to a file first"
        )
    is_home = path == Path.home() or path.parent == home_root
    stores = list(_home(path, None)) if is_home else []
    return stores if any(map(_is_there, stores)) else [_Place(path)]


def _absolute(path: Path) -> Path:
    """Return a path by which its files are the same from every working directory."""
    return Path(os.path.abspath(os.path.expanduser(path)))  # ~ of nobody known stays as it is


def _logs_in(place: _Place, skipped: list[Skipped]) -> Iterator[str]:
    """Give the logs of a place, at any depth; a file named by hand is taken whatever its name."""
    folders, visited = [str(place.path)], set[tuple[int, int]]()
    while folders:
        folder = folders.pop()
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in visited:
                continue  # a link back
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                is_folder = {entry.name: _is_folder(entry) for entry in entries}
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            if place.store is None:  # else a store is to be a folder
                yield str(place.path)
            return
        except OSError as error:
            skipped.append(Skipped(Path(folder), _why(error)))
            continue
        for name in _log_names([name for name in is_folder if not is_folder[name]]):
            yield os.path.join(folder, name)
        others = (name for name in is_folder if is_folder[name] and name not in _OTHER_FOLDERS)
        folders += (os.path.join(folder, name) for name in others)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, say
        return False


def _log_names(names: list[str]) -> Iterator[str]:
    """Choose the logs among a folder's file names: each log once, and no leftover of a log that is there."""
    present = set(names)
    for name in names:
        if leftover := _LEFTOVER.match(name):
            if ".jsonl" in name and not _packings(leftover["stem"], present):
                yield name
        elif (
            (log := _LOG.fullmatch(name))
            and log["stem"] not in _OTHER_FILES
            and log["packed"] == _packings(log["stem"], present)[0]
        ):
            yield name


def _packings(stem: str, present: set[str]) -> list[str]:
    return [packed for packed in _PACKED if f"{stem}.jsonl{packed}" in present]


def _distinct(found: Iterable[tuple[str, _Place]]) -> tuple[LogFile, ...]:
    """Sort files by path and keep one of each file on disk, however many names and links lead to it."""
    files: dict[tuple[int, int], LogFile] = {}
    for path, place in sorted(found, key=lambda item: os.fsencode(item[0])):
        try:
            status = os.stat(path)
        except OSError:
            continue  # a dangling link, or gone since it was listed
        if stat.S_ISREG(status.st_mode):
            match = _STORE.match(path)
            store = place.store or (match[1] if match else None)
            file_id = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
            log = LogFile(
                file_id,
                path,
                store,
                place.user_name,
                status.st_size,
                status.st_mtime_ns,
                ctime_ns(status, sidecar_of(path)),
            )
            files.setdefault((status.st_dev, status.st_ino), log)
    return tuple(files.values())


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
