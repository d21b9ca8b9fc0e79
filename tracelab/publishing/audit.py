"""What a dataset should not hold: whatever `publish` would not have written, named where it can be.

The allow-list decides. Values that its columns may have pass; of all else is said what it looks like. What
cannot be looked at is a finding too. A finding names its place and never what stands there, so that it can be
shown to anybody.
"""

import os
import pwd
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tracelab.errors import TracelabError
from tracelab.lines import unreadable
from tracelab.publishing.cells import NAMES, Cell, NotLookedAtError, cells
from tracelab.publishing.columns import COLUMNS, How
from tracelab.publishing.readings import readings
from tracelab.publishing.treatments import known_names, may_leave
from tracelab.warehouse import has_raw, open_read_only

_LONG_CHARS = 100
_LONG_WORDS = 6
_SHOWN = 10
"""Findings of a kind in a column of a file that are told one by one."""
_KINDS = 1_000
"""Columns of a file with findings that are told apart: names can be without end."""
_RAW_CHARS = 8
"""A shorter name may come up in bytes by chance."""
_FIRST_PERSON, _LAST_PERSON = 1000, 60_000  # what lies outside are the system's own users
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
_WORD = re.compile(r"[\w:-]+")
_SHOWN_NAME = re.compile(r"[A-Za-z_][\w.]{0,80}|allowed models", re.ASCII)
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
    times: int = 1
    """How many it stands for."""

    def __str__(self) -> str:
        file = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(self.file))
        place = [file, "" if self.row is None else f"row {self.row}", self.column or ""]
        return f"{', '.join(filter(None, place))}: {self.what}"


def audit(path: Path, *, db: Path | None = None, allowed_models: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield every leak in a file, or in all that a folder holds; nothing, if all was seen and may leave.

    What may leave are the files, tables and columns of `columns`, with values that `treatments` yields, and
    the names of `allowed_models`. Of all else is said whether it is a path, an e-mail address, a secret, the
    name of a user of this machine, free text, or, where `db` is a warehouse, named in it.

    Raises:
        TracelabError: if there is no such path, or nothing in it, or the warehouse cannot be read.
    """
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        raise TracelabError(f"there is no file at {path}: name a dataset, a file or a folder of some")
    private = _private(db) if db and db.exists() else frozenset[str]()
    yield from _Audit(private, allowed_models).of(path)


class _Audit:
    """Tells what is wrong with a dataset; the same values come again and again."""

    def __init__(self, private: frozenset[str], allowed_models: Sequence[str]) -> None:
        self._known = known_names(allowed_models)
        public = {name for names in self._known.values() for name in names} | _vocabulary()
        self._private = private - public
        names = "|".join(map(re.escape, sorted(_users_here())))
        self._user = re.compile(rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])", re.I) if names else None
        self._faults_of = lru_cache(100_000)(self._faults)

    def of(self, path: Path, *, is_named: bool = True) -> Iterator[Finding]:
        """Yield the findings of a file or folder; one that the user named may be called as they like."""
        counts: Counter[tuple[str, str | None]] = Counter()
        for finding in self._of(path, is_named):
            if finding.file != path:
                yield finding
                continue
            kind = (finding.what, finding.column)
            if kind not in counts and len(counts) > _KINDS:
                kind = (finding.what, None)
            counts[kind] += 1
            if counts[kind] <= _SHOWN:
                yield finding
        for (what, column), count in counts.items():
            if count > _SHOWN:
                more = count - _SHOWN
                yield Finding(path, None, column, f"{what}: {more:,} more", more)

    def _of(self, path: Path, is_named: bool) -> Iterator[Finding]:
        try:
            status = path.stat() if is_named else path.lstat()
            is_folder = stat.S_ISDIR(status.st_mode)
            fault = None
            if not is_named and (is_folder or path.name not in NAMES):
                fault = "a name that `tracelab publish` does not give"
            yield from self._findings(path, Cell(None, None, path.name, fault=fault))
            if _has_attributes(path):
                yield Finding(path, None, None, "attributes beside what it holds")
            if is_folder:
                for each in sorted(path.iterdir()):
                    yield from self.of(each, is_named=False)
            elif stat.S_ISREG(status.st_mode):
                is_leaky = False
                for cell in cells(path):
                    if cell.is_raw and is_leaky:
                        break  # its bytes hold what its values do
                    for finding in self._findings(path, cell):
                        is_leaky = True
                        yield finding
            else:
                yield _not_looked_at(path, "no file")
        except OSError as error:
            yield _not_looked_at(path, unreadable(error))
        except NotLookedAtError as error:
            yield _not_looked_at(path, str(error))
        except Exception:  # whatever a library says of a file that is not what its name says
            yield _not_looked_at(path, "cannot be read")

    def _findings(self, path: Path, cell: Cell) -> Iterator[Finding]:
        if cell.treatment and may_leave(cell.value, cell.treatment, self._known):
            if cell.treatment.how is How.key and cell.value in self._private:
                yield Finding(path, cell.row, cell.column, "an identifier of the warehouse")
            return
        text = str(cell.value)
        if cell.is_raw:
            found = tuple(f"{what}, in bytes beside its values" for what in self._in_text(text, _RAW_CHARS))
        else:
            # a licence has a name in many words
            found = self._faults_of(text, cell.column not in (None, "licence") and not cell.fault)
        if cell.fault:
            found = (cell.fault, *found)
        elif cell.treatment and not found:
            found = (f"not as such a column leaves ({cell.treatment.how})",)
        for what in found:
            yield Finding(path, cell.row, self._shown(cell.column), what)

    def _faults(self, text: str, is_data: bool) -> tuple[str, ...]:
        found = dict.fromkeys(what for each in readings(text) for what in self._in_text(each))
        if is_data and not found and _is_text(text):
            found["free text"] = None
        return tuple(found)

    def _in_text(self, text: str, least_chars: int = 0) -> Iterator[str]:
        yield from (what for what, pattern in _PATTERNS.items() if pattern.search(text))
        if self._user and any(len(match[0]) >= least_chars for match in self._user.finditer(text)):
            yield "a user of this machine"
        if self._private:
            words = (word for word in (text, *_WORD.findall(text)) if len(word) >= least_chars)
            if not self._private.isdisjoint(words):
                yield "an identifier of the warehouse"

    def _shown(self, column: str | None) -> str | None:
        """Return a column's name, if it tells nothing."""
        if column is None or (
            _SHOWN_NAME.fullmatch(column)
            and not any(self._faults_of(part, True) for part in column.split("."))
        ):
            return column
        return "a column whose name is not shown"


def _not_looked_at(path: Path, why: str) -> Finding:
    return Finding(path, None, None, f"not looked at: {why}")


def _has_attributes(path: Path) -> bool:
    """Say whether somebody hung something on a file: a browser, where it came from."""
    if not hasattr(os, "listxattr"):
        return False  # not on this system
    return any(name.startswith("user.") for name in os.listxattr(path, follow_symlinks=False))


def _is_text(value: str) -> bool:
    return len(value) > _LONG_CHARS or len(value.split()) >= _LONG_WORDS or not value.isascii()


def _vocabulary() -> set[str]:
    """Return the words that every dataset has: that a warehouse names something by one tells nothing."""
    named = {name for columns in COLUMNS.values() for name in columns} | set(COLUMNS)
    return named | {word for columns in COLUMNS.values() for how in columns.values() for word in how.words}


def _users_here() -> set[str]:
    """Return the names of this machine's people; too short ones would be found everywhere."""
    people = {user.pw_name for user in pwd.getpwall() if _FIRST_PERSON <= user.pw_uid < _LAST_PERSON}
    people |= {os.environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER")}
    return {name for name in people if len(name) > 2 and name != "root"}


def _private(db: Path) -> frozenset[str]:
    """Return what names something in a warehouse, with the client's name in front and without."""
    with open_read_only(db) as warehouse:
        found = has_raw(warehouse, db)
        rows = warehouse.execute(f"select distinct * from ({_PRIVATE})").fetchall() if found else []
    names = {str(name) for (name,) in rows if name is not None and len(str(name)) > 2}
    parts = {part for name in names for part in re.split(r"[:/#@]", name) if len(part) > 15}
    return frozenset(names | parts)
