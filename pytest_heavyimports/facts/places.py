"""Places in a run, and which one it is at: pytest's own word for it during tests, ours before and after them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, NamedTuple

from .names import is_within

if TYPE_CHECKING:
    from types import FrameType, TracebackType

BY_MARK = "setup, by its mark"
_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep
STDLIB = os.path.dirname(os.__file__) + os.sep
"""The directory of Python's standard library, in which that of installed packages may lie."""
# contextlib: our context managers stand around what is imported.
_IMPORT_SYSTEM = ("<frozen ", os.path.join(STDLIB, "importlib") + os.sep, os.path.join(STDLIB, "contextlib.py"))


class Place(NamedTuple):
    """Where in a run something happened."""

    phase: str
    """collect, setup, call or teardown; before and after these a word in plain English ("start-up")."""
    nodeid: str = ""
    """The test, or the file that was collected; empty where there is none."""
    fixture: str = ""
    """The fixture that was set up, where it is known."""
    line: str = ""
    """``file:line`` of the statement, where it is known."""

    def at(self, *, fixture: str = "", line: str = "") -> Place:
        """The same place, told more exactly."""
        return self._replace(fixture=fixture or self.fixture, line=line or self.line)

    def __str__(self) -> str:
        phase = {"collect": "collection"}.get(self.phase, self.phase)
        if self.fixture:
            phase = f"{phase} of fixture {self.fixture!r}"
        where = f"{self.nodeid} ({phase})" if self.nodeid and phase else self.nodeid or phase
        return f"{self.line}, in {where}" if self.line else where


WARM = Place("warm process")
INHERITED: set[str] = set()
"""The modules that a warm process has imported, in it and in those that are forked from it."""


class Whereabouts:
    """
    Tells the place of whatever happens now, from any thread.

    During a test, pytest keeps ``PYTEST_CURRENT_TEST`` up to date in the environment ("nodeid (phase)"), which costs
    us nothing; outside of tests the plugin's hooks say what is going on by :meth:`enter`. A value that was there
    before the session began belongs to a pytest that started this one.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._inherited = os.environ.get("PYTEST_CURRENT_TEST")
        self.is_inner = bool(self._inherited)
        """Whether the session runs inside of a test."""
        self._outside = Place("start-up")
        self._fixtures = threading.local()

    @contextmanager
    def setting_up(self, fixture: str) -> Iterator[None]:
        """What this thread does inside belongs to the setup of *fixture*."""
        outer = getattr(self._fixtures, "name", "")
        self._fixtures.name = fixture
        try:
            yield
        finally:
            self._fixtures.name = outer

    def enter(self, phase: str, nodeid: str = "") -> None:
        """From now on, outside of tests, the run is here."""
        self._outside = Place(phase, nodeid)

    def __call__(self) -> Place:
        """The place that it is now."""
        return self._here().at(fixture=getattr(self._fixtures, "name", ""))

    def _here(self) -> Place:
        current = os.environ.get("PYTEST_CURRENT_TEST")
        if not current or current == self._inherited:
            return self._outside
        nodeid, _, phase = current.rpartition(" (")
        return Place(phase.rstrip(")"), nodeid)

    def of_project(self) -> Place:
        """The place that it is now, with the innermost statement in the project; with any other where there is none."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(self._root + os.sep) and not (_is_installed(file) or is_plumbing(file)):
                return self.of(file, frame.f_lineno)
            frame = frame.f_back
        return self.of(*calling_line())

    def shown(self, file: str, line: int = 0) -> str:
        """A file, or a statement in it, for people."""
        return shown_line(file, line, self._root) if line else shown_file(file, self._root)

    def of(self, file: str, line: int) -> Place:
        """The place that it is now, with the statement; a file under the root directory is told relative to it."""
        place = self()
        if place.fixture or place.phase in ("preload", BY_MARK):
            return place  # the statement is one of pytest's
        return place.at(line=shown_line(file, line, self._root))


def shown_line(file: str, line: int, root: str) -> str:
    """A statement for people; a file under the root directory is told relative to it."""
    return f"{shown_file(file, root)}:{line}"


def shown_file(file: str, root: str) -> str:
    """A file for people; one under the root directory is told relative to it."""
    return os.path.relpath(file, root) if file.startswith(root + os.sep) else file


def _is_installed(file: str) -> bool:
    return "site-packages" in file or "dist-packages" in file


COVERAGE = "coverage, for its source "
"""Begins the phase of what coverage imports to find the source that it is to measure, and throws out afterwards."""


def source_of_coverage() -> str:
    """
    The module whose source coverage is looking for now, by an import; empty where it is not at it.

    Reference: ``file_and_path_for_module`` in ``coverage/inorout.py``; without that name, it is "?".
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == "coverage.inorout":
            return str(frame.f_locals.get("modulename", "?"))
        frame = frame.f_back
    return ""


def is_there(fullname: str) -> bool:
    """Whether a module is in ``sys.modules``, and no import of it has been put off."""
    return fullname in sys.modules and not getattr(type(sys.modules[fullname]), "is_deferred", False)


AT_START = Place("conftest or plugin")
"""Where nobody knows better."""


def who_imported(fullname: str, plugins: Mapping[str, str]) -> Place:
    """
    The plugin or conftest file that has imported a module before anybody watched.

    ``sys.modules`` is in the order in which imports have ended: the next plugin after a module has imported it at its
    top, or an earlier one has done so in a hook. So something that has ended meanwhile must hold the module, or the
    code of a plugin must import it.

    Args:
        fullname: The module.
        plugins: What each plugin is called, by the name of its module.
    """
    order = list(sys.modules)
    at = order.index(fullname)
    if "pytest" in order[at:]:
        return Place("start of Python, before pytest")
    since: list[str] = []
    for name in order[at + 1 :]:
        since.append(name)
        if name in plugins:
            if any(_holds(sys.modules.get(each), fullname) for each in since):
                return Place(plugins[name])
            break
    for evidence in (_holds, _has_code_for):
        for name in plugins:
            if evidence(sys.modules.get(name), fullname):
                return Place(plugins[name])
    return AT_START


def _holds(module: object, fullname: str) -> bool:
    """Whether a module holds another one, a part of it, or a function or class of it."""
    for value in list(getattr(module, "__dict__", {}).values()):
        is_module = isinstance(value, ModuleType)
        home = vars(value).get("__name__") if is_module else None
        if isinstance(value, (type, FunctionType)):
            home = value.__module__
        if isinstance(home, str) and is_within(home, fullname):
            return value is not module
    return False


def _has_code_for(module: object, fullname: str) -> bool:
    """Whether a function or a method of a module imports another one."""
    pending: list[object] = list(getattr(module, "__dict__", {}).values())
    for value in list(pending):
        if isinstance(value, type) and value.__module__ == getattr(module, "__name__", ""):
            pending += vars(value).values()
    codes = [value.__code__ for value in pending if isinstance(value, FunctionType)]
    while codes:
        code = codes.pop()
        if any(is_within(name, fullname) for name in code.co_names):
            return True
        codes += [const for const in code.co_consts if isinstance(const, CodeType)]
    return False


def is_plumbing(file: str) -> bool:
    """Whether a file belongs to this package or to the import system: no place that a user is interested in."""
    return file.startswith((_OURS, *_IMPORT_SYSTEM))


def within_modules(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback of a failed import from the first module's own frame on, without ours and the import system's."""
    inner = traceback
    while inner and is_plumbing(inner.tb_frame.f_code.co_filename):
        inner = inner.tb_next
    return inner or traceback


def asking_line(traceback: TracebackType | None, root: str) -> str:
    """The innermost statement of a traceback that is the user's, under the root directory, or else the innermost."""
    found, is_users = "", False
    while traceback:
        file = traceback.tb_frame.f_code.co_filename
        is_under = file.startswith(root + os.sep) and not _is_installed(file)
        if is_under or not (is_users or is_plumbing(file)):
            found, is_users = shown_line(file, traceback.tb_lineno, root), is_under
        traceback = traceback.tb_next
    return found


def calling_line() -> tuple[str, int]:
    """File and line of the innermost statement that belongs neither to this package nor to the import system."""
    frame = sys._getframe(1)
    while frame.f_back and is_plumbing(frame.f_code.co_filename):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
