"""What importing a module brings in, seen in a clean interpreter."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import PUBLIC, InvalidDeclaration, NotBroughtIn, ProbeFailed
from ..facts.names import is_dotted, is_within, root
from ..process.environment import child_environment
from .process import import_in_child

SHOWN_PACKAGES = 10


class ImportTime(NamedTuple):
    """The seconds that one module took to be found and executed."""

    self_s: float
    """Without the modules that it imported."""
    cumulative_s: float
    """With them, as far as it was the first to import them."""


ImportTime.__module__ = PUBLIC


class ReportedImport(NamedTuple):
    """One import as the child reports it."""

    fullname: str
    is_in: bool
    """False where it failed, or was put off by ``importlib.util.LazyLoader``."""
    importer: int
    """The number of the import during which it happened, in the same thread; -1 where there is none."""
    statement: str
    """The module in which the import statement stands; empty where there is none, as in C code."""
    file: str
    line: int
    cumulative_s: float
    inner_s: float


class ImportProbe:
    """
    What one import brought into a clean interpreter; made by the fixture ``import_probe``.

    ``"torch" in probe`` tells whether torch was imported. Modules that the interpreter imports when it starts, before
    anything else, are not counted. Those that were imported and thrown out again are; those that failed are not, and
    what ``importlib.util.LazyLoader`` has put off isn't either.
    """

    __module__ = PUBLIC

    fullname: str
    """The module that was imported."""
    modules: tuple[str, ...]
    """The full names of what came in, in the order in which they were first imported; a package before its parts."""
    seconds: float
    """Wall-clock time of the import, without the start of the interpreter."""
    peak_memory: int | None
    """
    The peak of the resident set of the interpreter until the end of the import, in bytes, with what the interpreter
    itself takes (some 10 MiB) and with the pages of libraries that it shares with other processes. ``None`` where the
    system doesn't tell it: it is read from ``/proc``, which only Linux has.
    """
    times: dict[str, ImportTime]
    """The time of each of the modules."""

    def __init__(self, fullname: str, report: dict[str, Any], directory: Path) -> None:
        """*report* is that of the child; files under *directory* are told relative to it."""
        self.fullname = fullname
        self.seconds = report["seconds"]
        self.peak_memory = report["peak_bytes"]
        self._imports = [ReportedImport(*values) for values in report["imports"]]
        self._numbers: dict[str, int] = {}
        for number, each in enumerate(self._imports):
            if each.is_in:
                self._numbers.setdefault(each.fullname, number)
        self._at_start = frozenset(report["at_start"])
        self._lazy: tuple[str, ...] = tuple(report["lazy"])
        self._directory = str(directory) + os.sep
        self.modules = tuple(self._numbers)
        first = ((name, self._imports[number]) for name, number in self._numbers.items())
        self.times = {name: ImportTime(each.cumulative_s - each.inner_s, each.cumulative_s) for name, each in first}

    def __contains__(self, fullname: object) -> bool:
        __tracebackhide__ = True
        if isinstance(fullname, str) and fullname in self._numbers:
            return True  # there are names that no statement could import: _sysconfigdata__linux_x86_64-linux-gnu
        check_name(fullname)
        return False

    def chain(self, fullname: str) -> tuple[str, ...]:
        """
        Who imports a module: ``("app.cli", "app.model", "torch")``.

        Each one was being executed when it imported the next, or called a function of the next. A function that has the
        import statement in it so stands between the module that called it and the one that was imported.

        Raises:
            NotBroughtIn: The module was not imported.
        """
        __tracebackhide__ = True
        links = self._links(fullname)
        return tuple(name for name, _ in links)

    def explain(self, fullname: str) -> list[str]:
        """Lines of text: who imports a module, and where, or that nobody does."""
        if fullname not in self:
            return [f"Importing {self.fullname!r} doesn't import {fullname!r}.{self._hint(fullname)}"]
        links = self._links(fullname)
        width = max(len(name) for name, _ in links)
        seconds = self.times[fullname].cumulative_s
        return [
            f"Importing {self.fullname!r} imports {fullname!r}, which takes {seconds:.2f} s:",
            *(f"  {name:<{width}}  {where}".rstrip() for name, where in links),
        ]

    def __repr__(self) -> str:
        memory = "" if self.peak_memory is None else f", {_mib(self.peak_memory)}"
        return f"<import_probe({self.fullname!r}): {_modules(len(self.modules))}, {self.seconds:.2f} s{memory}>"

    def __str__(self) -> str:
        memory = "" if self.peak_memory is None else f", with a peak memory of {_mib(self.peak_memory)}"
        brought = (
            f"Importing {self.fullname!r} brought in {_modules(len(self.modules))} in {self.seconds:.2f} s{memory}."
        )
        return "\n".join([brought, *self._largest_packages()])

    def _largest_packages(self) -> Iterator[str]:
        seconds: dict[str, float] = {}
        numbers: dict[str, int] = {}
        for name, time in self.times.items():
            package = root(name)
            seconds[package] = seconds.get(package, 0) + time.self_s
            numbers[package] = numbers.get(package, 0) + 1
        largest = sorted(seconds, key=lambda package: -seconds[package])[:SHOWN_PACKAGES]
        width = max(map(len, largest), default=0)
        for package in largest:
            chain = _shortened(self.chain(package)) if package in self._numbers else ""
            yield f"  {package:<{width}}  {seconds[package]:6.2f} s  {_modules(numbers[package]):>12}  {chain}".rstrip()

    def _links(self, fullname: str) -> list[tuple[str, str]]:
        """The chain, each with where it was imported from."""
        __tracebackhide__ = True
        if fullname not in self:
            raise NotBroughtIn(fullname, probed=self.fullname, hint=self._hint(fullname))
        links: list[tuple[str, str]] = []
        number = self._numbers[fullname]
        while number >= 0 and self._imports[number].fullname != self.fullname:
            this = self._imports[number]
            links.append((this.fullname, self._place(this)))
            number, called = self._importer(number)
            if called:
                links.append((called, "(a function of it was called)"))
        return [(self.fullname, ""), *reversed(links)]

    def _importer(self, number: int) -> tuple[int, str]:
        """The import during which this one happened, and the module in which the statement stands if it is another."""
        this = self._imports[number]
        importer, statement = this.importer, this.statement
        if importer < 0:
            # In a thread: what is known is the module that the function is of.
            earlier = self._numbers.get(statement, number)
            return (earlier, "") if earlier < number else (-1, "")
        if statement in ("", this.fullname, self._imports[importer].fullname):
            return importer, ""
        return importer, statement

    def _place(self, this: ReportedImport) -> str:
        if this.file:
            return f"(imported at {this.file.removeprefix(self._directory)}:{this.line})"
        return "(its package)" if is_within(self.fullname, this.fullname) else "(by no import statement)"

    def _hint(self, fullname: str) -> str:
        if fullname in self._at_start:
            return " The interpreter had imported it when it started."
        if any(each.fullname == fullname for each in self._imports):
            return " It was tried: that failed, or was put off until it is used."
        if any(is_within(name, fullname) for name in self._lazy):
            return " It is imported lazily, and not loaded."
        return ""


class Prober:
    """The probes of one session, each made once."""

    def __init__(self, directory: Path) -> None:
        """Files under *directory* are told relative to it."""
        self._directory = directory
        self._made: dict[object, ImportProbe] = {}
        self._failed: dict[object, tuple[float, ProbeFailed]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "<import_probe>"

    def __call__(self, fullname: str, *, timeout: float = 60.0) -> ImportProbe:
        """
        Import a module in a clean interpreter.

        That is the one that runs the tests, with its flags, environment, directory and ``sys.path`` as they are now,
        but without pytest and without what pytest, xdist and coverage have put into the environment. Asked again with
        all of that unchanged, the first answer is given again.

        Args:
            fullname: Absolute dotted name, such as ``"app.cli"``.
            timeout: Seconds after which the interpreter is ended, with the processes that the import has started.

        Raises:
            ProbeFailed: There is no such module, or its import raised something, ended the interpreter or took too
                long.
            InvalidDeclaration: *fullname* is no absolute module name, or *timeout* is no number above 0.
        """
        __tracebackhide__ = True
        check_name(fullname)
        _check_timeout(timeout)
        environment, path = child_environment(), tuple(entry for entry in sys.path if isinstance(entry, str))
        key = (fullname, path, os.getcwd(), frozenset(environment.items()))
        with self._lock:
            if key not in self._made:
                allowed, error = self._failed.get(key, (0.0, None))
                if error and timeout <= allowed:
                    raise error.with_traceback(None)
                try:
                    report = import_in_child(fullname, path=path, environment=environment, timeout_s=timeout)
                except ProbeFailed as failed:
                    self._failed[key] = timeout, failed
                    raise
                self._made[key] = ImportProbe(fullname, report, self._directory)
            return self._made[key]


def check_name(fullname: object) -> str:
    """
    The name itself.

    Raises:
        InvalidDeclaration: It is no absolute dotted name.
    """
    __tracebackhide__ = True
    if isinstance(fullname, str) and is_dotted(fullname):
        return fullname
    remedy = "Write it as 'package.module'."
    if not isinstance(fullname, str):
        fault = f"it is no text, but of type {type(fullname).__name__}"
    elif not fullname:
        fault = "it names no module"
    elif fullname.startswith("."):
        fault = "a name is absolute here, and doesn't begin with a dot"
        remedy = f"Write it as 'package.{fullname.lstrip('.') or 'module'}'."
    else:
        fault = "it is no module name"
        better = fullname.partition(":")[0].removesuffix(".py").replace("/", ".")
        if better != fullname and is_dotted(better):
            remedy = f"Write it as {better!r}."
    raise InvalidDeclaration(fullname, fault=fault, remedy=remedy)


def _check_timeout(timeout: object) -> None:
    __tracebackhide__ = True
    if not isinstance(timeout, (int, float)) or not 0 < timeout < inf:
        fault = "a time limit is a number of seconds above 0"
        raise InvalidDeclaration(f"timeout={timeout!r}", fault=fault, remedy="Write it as 'timeout=60.0'.")


def _shortened(chain: tuple[str, ...]) -> str:
    return " > ".join(chain if len(chain) <= 5 else (*chain[:3], "...", chain[-1]))


def _modules(number: int) -> str:
    return f"{number} module" if number == 1 else f"{number} modules"


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
