"""Imports, in a warm process: what has been learnt, each module once, and nothing that does harm."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from .. import forking
from ..errors import HarmfulImport
from ..guard.known import KNOWN
from ..guard.session import stood_in_for
from ..imports.keeper import KEEPER
from ..names import root
from ..places import INHERITED
from ..shutdown import freeze
from .key import environment as variables_of_key
from .key import project
from .learning import OURS, Learnt, Stamps, Store, changed, learnt_by_now, stamps
from .pages import Pages

LIMIT_S = 120
"""How long an import may take."""
END_S = 10
"""How long what imports have made may take to be finalized."""
SIGNALS = sorted(signal.valid_signals())
INSTALL_DIRECTORIES = ("site-packages", "dist-packages")


class Preload:
    """The modules of a warm process, and by what it can be seen that they are out of date."""

    def __init__(self, store: Store, log: int, hook: Any) -> None:
        """
        Args:
            store: What is known.
            hook: What rewrites assertions, which pytest has installed.
            log: The file that the process writes to, open: imports that write something do so once, here.
        """
        self._store = store
        self._log = log
        self.project = project(os.getcwd())
        self._path = list(sys.path)
        self._read_variables = ReadVariables()
        self._set_variables: dict[str, tuple[str | None, str | None]] = {}
        """By name: what a variable was before an import changed it, and after."""
        # A package that is installed or taken away, also a plugin of pytest.
        self._installed = [entry for entry in self._path if os.path.basename(entry) in INSTALL_DIRECTORIES]
        self._stamps: Stamps = stamps(self._installed)
        self._hook = hook
        self._threads = 0
        """Those of C libraries, which start them when they are imported, end them before a fork and start them anew."""
        self._roots: frozenset[str] = frozenset()
        self._packages: dict[str, Any] = {}
        self._finalizers: list[weakref.finalize[Any, Any]] = []
        self.pages = Pages()
        self.known: frozenset[str] = frozenset()
        """The names of all modules there are, and of those that are not to be tried."""

    def open(self, modules: Iterable[str]) -> None:
        """Import what each run needs, then what has been learnt, then these *modules*."""
        with self._importing():
            self._import(f"{OURS}.plugin")
            self._import(f"{OURS}.warm_hooks")
        wanted = dict.fromkeys(modules)
        self.load([*self._store.modules.values(), *(Learnt(name, "", False) for name in wanted)])

    def load(self, modules: Sequence[Learnt]) -> None:
        """
        Import these modules, those that are known to do harm excepted.

        Raises:
            HarmfulImport: One does harm; the process can't be used any more, and the next one knows, unless what is
                installed has changed meanwhile.
        """
        harmful = self._store.harmful
        gone = {module.fullname for module in modules if module.file and not _is_there(module.file)}
        for name in gone:
            self._store.modules.pop(name, None)
        modules = [module for module in modules if module.fullname not in gone]
        gc.disable()  # what is imported stays: one look at all of it, at the end, is enough
        try:
            with self._importing():
                self._hook.mark_rewrite(*(module.fullname for module in modules if module.is_rewritten))
                for module in modules:
                    if module.fullname not in sys.modules and not self._store.is_left_out(module.fullname):
                        self._import(module.fullname)
                    if module.fullname in sys.modules and module.file:
                        self._store.modules.setdefault(module.fullname, module)
        except HarmfulImport as harm:
            if not changed(self._stamps):  # else it may be half installed
                harmful[harm.fullname] = harm.fault
            self._store.modules.pop(harm.fullname, None)
            raise
        finally:
            self._store.write()
        self._settle()
        gc.enable()

    def only_try(self, begin: Callable[[str], None]) -> None:
        """In a child that tries imports: *begin* is told the name of each before it begins, and nothing is kept."""
        self._store.trying = begin

    def leave_out(self, fullname: str, why: str) -> None:
        """For good: other warm processes leave it out as well."""
        self._store.harmful[fullname] = why
        self._store.modules.pop(fullname, None)
        self._store.write()

    def is_left_out(self, fullname: str) -> bool:
        """Whether the module, or a package that it is in, is left out."""
        return self._store.is_left_out(fullname)

    def fault(self, environment: Mapping[str, str], path: list[str]) -> str:
        """Why a run with these variables and this ``sys.path`` can't be one of this process; empty where it can."""
        if fault := forking.why_not_fork(self._threads):
            return fault
        if path and path[-len(self._path) :] != self._path:
            return "sys.path has changed"
        if variable := self._read_variables.changed(environment):
            return f"the variable {variable} has changed, which was read by an import"
        if self._store.is_out_of_date(self.project):
            return "the project's configuration has changed"
        if file := changed(self._stamps):
            return f"{file} has changed"
        return ""

    def prepare(self, environment: dict[str, str]) -> dict[str, str]:
        """The variables of a run, with what imports have set as they would have set it."""
        for name, (before, after) in self._set_variables.items():
            if environment.get(name) == before:
                environment.pop(name, None)
                if after is not None:
                    environment[name] = after
        return environment

    def release(self) -> None:
        """In a run: the rewriting of assertions is for pytest to install; what was marked for it stays marked."""
        if self._hook in sys.meta_path:
            sys.meta_path.remove(self._hook)

    def hidden(self, path: list[str]) -> str:
        """
        A file or directory that a run would import in the place of a package that is imported already; empty if none.

        Args:
            path: The run's ``sys.path``.
        """
        own = dict.fromkeys(entry for entry in path if entry not in self._path)
        for entry in own:
            with suppress(OSError):
                for name in os.listdir(entry or "."):
                    module = name.removesuffix(".py")
                    is_package = module != name or os.path.exists(f"{entry or '.'}/{name}/__init__.py")
                    if module in self._roots and is_package:
                        return os.path.join(entry, name)
        return ""

    def set_too_late(self, before: Mapping[str, str]) -> str:
        """
        In a run: a variable that a conftest or test file has set, and that imports have read already; empty if none.

        What the import of an installed package sets is meant for what comes after it, and is no fault.

        Args:
            before: The variables that the run began with.
        """
        read = {*self._read_variables.names(), *(name for name, _ in variables_of_key(more=()))}
        now = dict(os.environ)
        for name in sorted(read & (now.keys() | before.keys())):
            if now.get(name) != before.get(name) and not self._is_set_by_package(name):
                return name
        return ""

    def replaced(self) -> str:
        """
        In a run: a package that is imported already, and has something else in its place by now; empty if none.

        One of our own stand-ins is there on purpose, and does the same in a plain run.
        """
        found = sys.modules.get
        replaced = [name for name, module in self._packages.items() if found(name) is not module]
        return next(iter(set(replaced).difference(stood_in_for(replaced))), "")

    def _is_set_by_package(self, variable: str) -> bool:
        for module in learnt_by_now(self.known):
            with suppress(OSError, UnicodeError):
                if module.file.endswith(".py") and variable in Path(module.file).read_text(encoding="utf-8"):
                    return True
        return False

    def close(self) -> None:
        """The process ends, and has no children any more."""
        signal.alarm(END_S)
        while self._finalizers:
            with suppress(Exception):
                self._finalizers.pop()()

    @property
    def harmful(self) -> dict[str, str]:
        """Why a module is left out, by its name."""
        return self._store.harmful

    @property
    def rewritten(self) -> list[str]:
        """The names that plugins have asked pytest to rewrite, in modules that a run finds imported."""
        return sorted(self._hook._must_rewrite)

    def _importing(self) -> Any:
        return _Importing(self._read_variables, self._set_variables)

    def _import(self, fullname: str) -> None:
        before = self._world()
        self._store.begin(fullname)
        signal.alarm(LIMIT_S)
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                import_module(fullname)
        except BaseException as error:  # SystemExit too: nothing that an import does may end this process
            raise HarmfulImport(fullname, fault=f"its import raised {type(error).__name__}: {error}") from error
        finally:
            signal.alarm(0)
            self._store.end()
        if warned:
            raise HarmfulImport(fullname, fault=f"its import warns: {warned[0].message}")
        for what, value in self._world().items():
            if value != before[what]:
                raise HarmfulImport(fullname, fault=f"its import {what}")

    def _world(self) -> dict[str, object]:
        """What an import may not change where it is to be done before a run, and what it would do in words."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # what is left there, runs would write
        return {
            "starts a thread": threading.active_count(),
            "opens a GPU": sum(target.startswith(forking.GPU_DEVICES) for target in forking.open_files().values()),
            "writes something": os.fstat(self._log).st_size,
            "changes the directory": os.getcwd(),
            "handles a signal": [signal.getsignal(number) for number in SIGNALS],
            "configures logging": len(getattr(getattr(sys.modules.get("logging"), "root", None), "handlers", ())),
            "replaces a standard stream": (sys.stdin, sys.stdout, sys.stderr),
        }

    def _settle(self) -> None:
        sys.path[:] = self._path
        self.pages.forget()
        self._keep_finalizers()
        KEEPER.adopt(name for name in list(sys.modules) if root(name) in KNOWN)  # as the guard of each run would
        self._threads = forking.foreign_threads()
        self.known = frozenset((*sys.modules, *self._store.harmful))
        INHERITED.update(sys.modules)
        self._roots = frozenset(name for name in sys.modules if "." not in name)
        self._packages = {name: sys.modules[name] for name in self._roots if name in KNOWN}
        files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        self._stamps = stamps((*self._installed, *(os.fspath(file) for file in files if file)))
        gc.collect()  # what is frozen is never collected, in no run
        freeze()

    def _keep_finalizers(self) -> None:
        """
        What imports have made is finalized when this process ends: a directory of their own, torch's operators.

        Python runs finalizers in the children of a fork as well. Which there are, no public name tells.
        """
        registry: Mapping[weakref.finalize[Any, Any], object] = getattr(weakref.finalize, "_registry", {})
        for finalizer in list(registry):
            if finalizer.atexit:
                finalizer.atexit = False
                self._finalizers.append(finalizer)


def _is_there(file: str) -> bool:
    """Whether a module's file is there; what an uninstalled package has left behind may be importable all the same."""
    return file in ("built-in", "frozen") or os.path.exists(file)


class ReadVariables:
    """The variables that were read while modules were imported, with what was found."""

    def __init__(self) -> None:
        self._found: dict[str, str | None] = {}

    def note(self, name: str, value: str | None) -> None:
        """A variable was read."""
        self._found.setdefault(name, value)

    def names(self) -> Iterable[str]:
        """Theirs."""
        return self._found

    def changed(self, environment: Mapping[str, str]) -> str:
        """The name of one that has another value; empty where there is none."""
        return next((name for name, value in self._found.items() if environment.get(name) != value), "")


class _Importing:
    """Around imports: who reads the environment is noted, what is set there, too; filters for warnings are put back."""

    def __init__(self, read: ReadVariables, written: dict[str, tuple[str | None, str | None]]) -> None:
        self._read = read
        self._written = written
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        self._filters.__enter__()
        self._before = dict(os.environ)
        note, environ_type = self._read.note, type(os.environ)

        class Noting(environ_type):  # type: ignore[misc, valid-type]  # os._Environ, which has no public name
            def __getitem__(self, name: str) -> str:
                try:
                    value: str = super().__getitem__(name)
                except KeyError:
                    note(name, None)
                    raise
                note(name, value)
                return value

        self._type = environ_type
        os.environ.__class__ = Noting

    def __exit__(self, *_: object) -> None:
        os.environ.__class__ = self._type
        after = dict(os.environ)
        for name in self._before.keys() | after.keys():
            if self._before.get(name) != after.get(name):
                self._written.setdefault(name, (self._before.get(name), after.get(name)))
        self._filters.__exit__(None, None, None)
