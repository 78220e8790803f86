"""What a run has imported from installed packages, which a warm process imports before the next; kept in a file."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from json import dumps, loads  # now: packages replace them
from pathlib import Path
from typing import NamedTuple

from ..facts.names import is_within, lineage, root
from .key import CONFIGURATIONS

Stamp = tuple[int, ...]
Stamps = dict[str, dict[str, Stamp]]
"""By directory and name."""

OURS = "pytest_heavyimports"
OUR_SERVER = "pytest_heavyimports.warm"


class Learnt(NamedTuple):
    """A module that a run has imported."""

    fullname: str
    file: str
    is_rewritten: bool
    """Whether pytest had rewritten its assertions."""
    is_late: bool = False
    """Whether conftest files had been read by then; else it was imported by a plugin."""
    variables: dict[str, str | None] = {}  # noqa: RUF012  # of a tuple: nobody changes it
    """What the run had set by then, in its conftest files as a rule; ``None``: it had deleted it."""


class Store:
    """
    The file of what is known of one project's modules: its configuration, then a line of JSON for each module.

    What can't be written, since the disk is full or not ours to write on, is learnt again.
    """

    def __init__(self, file: Path, project: str) -> None:
        self._file = file
        self._configured = _configuration(project)
        self.modules: dict[str, Learnt] = {}
        """In the order in which they are to be imported."""
        self.harmful: dict[str, str] = {}
        """Why a module can't be imported before a run."""
        self.trying: Callable[[str], None] | None = None
        """In a child that tries imports: called with the name of each before it begins, and nothing is written."""
        self._read()

    def is_out_of_date(self, project: str) -> bool:
        """Whether the project is configured anew: it may declare other modules."""
        return _configuration(project) != self._configured

    def is_left_out(self, fullname: str) -> bool:
        """Whether the module, or a package that it is in, can't be imported before a run."""
        return any(name in self.harmful for name in lineage(fullname))

    def begin(self, fullname: str) -> None:
        """A module is about to be imported: should that end the process, the next one knows which it was."""
        if self.trying:
            self.trying(fullname)
            return
        with suppress(OSError):
            self._attempt.write_text(fullname, encoding="utf-8")

    def end(self) -> None:
        """What was begun has not ended the process."""
        with suppress(OSError):
            self._attempt.unlink()

    def write(self) -> None:
        """Keep what is known."""
        if self.trying:
            return
        lines = ["= " + self._configured]
        lines += [dumps(["+", *learnt]) for learnt in self.modules.values()]
        lines += [dumps(["-", *harm]) for harm in self.harmful.items()]
        partial = self._file.with_suffix(f".{os.getpid()}")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.touch(mode=0o600)  # conftest files may set variables that nobody else is to see
            partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
            partial.replace(self._file)
        except OSError:
            with suppress(OSError):
                partial.unlink()

    @property
    def _attempt(self) -> Path:
        return self._file.with_suffix(f".attempt.{os.getpid()}")

    def _read(self) -> None:
        try:
            first, *lines = _own_text(self._file).splitlines()
            for sign, fullname, *rest in map(loads, lines if first == "= " + self._configured else ()):
                if sign == "-":
                    self.harmful[fullname] = str(*rest)
                else:
                    self.modules[fullname] = Learnt(fullname, *rest)
        except (OSError, TypeError, ValueError):
            pass  # there is none yet, or it is damaged: what it had is learnt again
        # Others of this name may be there: those of runs with workers.
        for attempt in self._file.parent.glob(f"{self._file.stem}.attempt.*"):
            if not _is_running(attempt.suffix[1:]):
                with suppress(OSError):
                    self.harmful[_own_text(attempt)] = "its import ended the warm process"
                    attempt.unlink()


def _own_text(file: Path) -> str:
    """
    What is in a file of this user's that nobody else can write to: a cache may be shared.

    Raises:
        PermissionError: It is another user's, or open to others.
    """
    with open(file, encoding="utf-8", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW)) as opened:
        facts = os.fstat(opened.fileno())
        if facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
            raise PermissionError(f"{file} is not this user's alone")
        return opened.read()


def _is_running(process: str) -> bool:
    """Whether there is such a process, and one that has not ended; proc_pid_stat(5)."""
    try:
        facts = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return False
    return facts.rpartition(b") ")[2][:1] not in b"ZX"


def learnt_by_now(known: Collection[str]) -> Iterator[Learnt]:
    """
    The modules that this process has imported from installed packages and the standard library, in order.

    Args:
        known: The names that are not to be looked at.
    """
    ours = os.path.dirname(os.path.dirname(__file__))
    places = tuple(f"{place}{os.sep}" for place in (*_install_directories(), os.path.dirname(os.__file__), ours))
    installed = []
    for name in list(sys.modules):
        if name not in known and not is_within(name, OUR_SERVER):
            spec = getattr(sys.modules.get(name), "__spec__", None)
            origin = getattr(spec, "origin", None)
            if spec and spec.name == name and origin:
                is_builtin = origin in ("built-in", "frozen")
                if is_builtin or os.fspath(origin).startswith(places):
                    is_rewritten = type(spec.loader).__name__ == "AssertionRewritingHook"
                    installed.append(Learnt(name, origin, is_rewritten))
    if installed:  # as a rule only after the first run: what is the user's own takes a look at all that is installed
        own = {*own_packages(), "__main__"} - {OURS}
        yield from (module for module in installed if root(module.fullname) not in own)


def own_packages() -> Iterator[str]:
    """
    The packages that were installed from a file or a directory: code under test, as tox installs it.

    Such code is to be measured from its first line, and may be edited between two runs.

    Reference: ``direct_url.json`` in PyPA's "Recording the Direct URL Origin of installed distributions".
    """
    for directory in map(Path, _install_directories()):
        for file in directory.glob("*.dist-info/direct_url.json"):
            try:
                url = loads(file.read_text(encoding="utf-8")).get("url", "")
                record = file.with_name("RECORD").read_text(encoding="utf-8") if url.startswith("file:") else ""
            except (OSError, ValueError):
                continue
            tops = {line.partition(",")[0].partition("/")[0] for line in record.splitlines()}
            yield from {top.removesuffix(".py") for top in tops}


def stamps(files: Iterable[str]) -> Stamps:
    """When each file was changed, its size and its number; files that are none, or have no whole path, are left out."""
    found: Stamps = {}
    for file in files:
        directory, name = os.path.split(file)
        with suppress(OSError, ValueError):
            facts = os.stat(file) if directory else None
            if facts:
                found.setdefault(directory, {})[name] = _stamp(facts)
    return found


def _stamp(facts: os.stat_result) -> Stamp:
    # The time of the last change of its state, too: nobody can put that back.
    return facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino


def changed(before: Stamps) -> str:
    """
    The first file that is no longer what it was; empty where there is none.

    Asked before every run, for thousands of files: from their directory the system finds them twice as fast.
    """
    here = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
    stat = os.stat
    directory = name = ""
    try:
        for directory, names in before.items():
            name = ""
            os.chdir(directory)
            for name, stamp in names.items():
                facts = stat(name)
                if (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino) != stamp:
                    return os.path.join(directory, name)
    except OSError:
        return os.path.join(directory, name)
    finally:
        os.fchdir(here)
        os.close(here)
    return ""


def _install_directories() -> list[str]:
    return [*site.getsitepackages(), site.getusersitepackages()]


def _configuration(project: str) -> str:
    """What tells one state of the project's configuration files from another."""
    return repr(stamps(f"{project}/{name}" for name in CONFIGURATIONS))
