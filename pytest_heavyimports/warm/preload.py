"""Imports, in a warm process: what has been learnt, each module once, and nothing that does harm."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from json import dumps, loads  # now: packages replace them
from pathlib import Path
from typing import Any

from ..errors import HarmfulImport
from ..facts.names import is_within, root
from ..facts.places import INHERITED
from ..process import forking
from ..process.environment import set_variable
from ..process.shutdown import freeze
from .chance import seed_anew
from .connection import OF_THE_RUN, command_line
from .inputs import Files
from .key import environment as of_key
from .key import ignored, matcher, project
from .learner import Learner
from .learning import OURS, Learnt, Store, learnt_by_now
from .pages import Pages
from .shelf import Shelf, modules_in
from .watching import ImportWatch
from .wire import Message, join
from .world import process_facts, variables

LIMIT_S = 120
"""How long an import may take."""
END_S = 10
"""How long what imports have made may take to be finalized."""
OF_EACH_RUN = (f"{OURS}.plugin", f"{OURS}.warm.hooks")
INSTALL_DIRECTORIES = ("site-packages", "dist-packages")  # as in config/sources.py, which imports pytest


class Preload:
    """The modules of a warm process, and by what it can be seen that they are out of date."""

    def __init__(self, store: Store, log: int, hook: Any, *, is_for_one_run: bool) -> None:
        """
        Args:
            store: What is known.
            hook: What rewrites assertions, which pytest has installed.
            log: The file that the process writes to, open: imports that write something do so once, here.
            is_for_one_run: Whether it ends with the run that it was started for.
        """
        self._store = store
        self._log = log
        self._is_for_one_run = is_for_one_run
        self.project = project(os.getcwd())
        self._path = list(sys.path)
        self._watch = ImportWatch()
        self._shelf = Shelf(self._watch)
        self._shelf.ignored = ignored(self.project)
        self._began_with = variables()
        # A package that is installed or taken away, also a plugin of pytest; and what a line in a .pth file does.
        directories = [entry for entry in self._path if os.path.basename(entry) in INSTALL_DIRECTORIES]
        self._installed = [*directories, *(str(file) for entry in directories for file in Path(entry).glob("*.pth"))]
        self._files = Files()
        self._files.note(self._installed, {})
        standard = os.path.dirname(os.__file__)
        self._own_directories = [
            entry for entry in self._path if entry not in directories and not entry.startswith((standard, sys.prefix))
        ]
        """Those of PYTHONPATH."""
        self._own_names: dict[str, set[str]] = {}
        self._names: set[str] = set()
        """All modules that are there or were looked for: what else comes into those directories is no matter."""
        self._hook = hook
        self._threads = 0
        """Those of C libraries, which start them when they are imported, end them before a fork and start them anew."""
        self._finalizers: list[weakref.finalize[Any, Any]] = []
        self.pages = Pages()
        self.known: frozenset[str] = frozenset()
        """The names of all modules there are, and of those that are not to be tried."""

    def open(self, modules: Iterable[str]) -> None:
        """Import what each run needs, then what has been learnt, then these *modules*."""
        ours = [name for name in self._store.modules if root(name) == OURS]
        for name in (*OF_EACH_RUN, *ours):  # each run has them: there is nothing to watch
            import_module(name)
        self._watch.begin_base()
        sys.meta_path.insert(sys.meta_path.index(self._hook) + 1, self._shelf)
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
        self._shelf.take_down()
        self._watch.world.begin()
        try:
            self._hook.mark_rewrite(*(module.fullname for module in modules if module.is_rewritten))
            world: Mapping[str, object] = self._world()
            for module in modules:
                if module.fullname not in sys.modules and not self._store.is_left_out(module.fullname):
                    world = self._import(module, world)
                if module.fullname in sys.modules and module.file:
                    self._store.modules.setdefault(module.fullname, module)
        except HarmfulImport as harm:
            if not self._files.changed():  # else it may be half installed
                harmful[harm.fullname] = harm.fault
            self._store.modules.pop(harm.fullname, None)
            raise
        finally:
            self._store.write()
        if not self._store.trying:
            self._settle()
            gc.enable()

    def only_try(self, begin: Callable[[str], None]) -> None:
        """In a child that tries imports: *begin* is told the name of each before it begins, and nothing is kept."""
        self._store.trying = begin
        self._watch.world.looks_for_trouble_only = True

    def fault(self, environment: Mapping[str, str], path: list[str]) -> str:
        """Why a run with these variables and this ``sys.path`` can't be one of this process; empty where it can."""
        if fault := forking.why_not_fork(self._threads):
            return fault
        if path and path[-len(self._path) :] != self._path:
            return "sys.path has changed"
        if variable := self._changed_variable(environment):
            return f"the variable {variable} has changed, which was read by an import"
        if self._store.is_out_of_date(self.project):
            return "the project's configuration has changed"
        if file := self._files.changed():
            return f"{file} has changed"
        for entry, names in self._own_names.items():
            if other := (modules_in(entry) & self._names) ^ names:
                return f"a module {min(other)} has come into {entry}, or is gone"
        return ""

    def _changed_variable(self, environment: Mapping[str, str]) -> str:
        """
        One of those that the key leaves out, and that an import has read by its name; empty if none has changed.

        What was there when this process began counts, not what an import has set before another one has read it.
        """
        is_ignored = matcher(self._shelf.ignored)
        for name in self._watch.read_variables:
            is_of_key = next(of_key({name: ""}), None) is not None
            is_of_matter = not (is_of_key or is_ignored(name) or name in OF_THE_RUN)
            if is_of_matter and environment.get(name) != self._began_with.get(name):
                return name
        return ""

    def begin(self, environment: Mapping[str, str]) -> None:
        """In a run, when it has become what its client is: get ready to hand out what is imported."""
        self.learner = Learner(environment)
        self._shelf.learner = self.learner.note
        self._shelf.at_conftests = self.learner.begin_conftests
        seed_anew((), [each for scope in self._watch.scopes for each in scope.generators])

    def may_give_up(self, give_up: Callable[[str], None], tell: Callable[[Message], None]) -> None:
        """
        In a run: it can be made a plain one, until its first test begins.

        Args:
            give_up: Makes it one.
            tell: Tells the warm process something.
        """

        def give_up_for(names: list[str], why: str) -> None:
            variables = dumps(self.learner.set_by_now())
            tell(Message("given up", modules=join(names), why=why, variables=variables))
            give_up(why)

        self._shelf.give_up = give_up_for

    def begin_tests(self) -> None:
        """In a run: what is done from now on can't be made undone."""
        self._shelf.give_up = None
        self.learner.begin_tests()

    def note_given_up(self, message: Message) -> None:
        """
        A run was a plain one, as it got modules under other circumstances than those of their imports here.

        The next process imports them under those. Where they are others in each run, it leaves them out.
        """
        why, variables = message.text("why"), loads(message.text("variables"))
        packages = [name.decode() for name in message.parts("modules")]
        learnt = self._store.modules
        before = [module.variables for name, module in learnt.items() if root(name) in packages]
        # Other values of the same variables: they will be others in the next run, too.
        if before and all(variables != each and (not each or variables.keys() != each.keys()) for each in before):
            learnt.update({name: module._replace(variables=variables) for name, module in learnt.items()})
            self._store.write()
        else:
            for package in packages:
                self.leave_out(package, f"runs import it under other circumstances: {why}")

    def learnt(self) -> list[Learnt]:
        """In a run, at its end: what it has imported that others may want to have imported before."""
        noted = self.learner
        return [
            module._replace(variables=noted.variables.get(module.fullname, {}), is_late=noted.is_late(module.fullname))
            for module in learnt_by_now(self.known)
            if module.fullname not in noted.tainted
        ]

    @property
    def doubts(self) -> dict[str, str]:
        """In a run: why a module that it has got may not be what it would have imported itself."""
        return self._shelf.doubts

    def leave_out(self, fullname: str, why: str) -> None:
        """Leave a module out for good, with what is in it: other warm processes do so as well."""
        self._store.harmful[fullname] = why
        for name in [name for name in self._store.modules if is_within(name, fullname)]:
            del self._store.modules[name]
        self._store.write()

    def is_left_out(self, fullname: str) -> bool:
        """Whether the module, or a package that it is in, is left out."""
        return self._store.is_left_out(fullname)

    def release(self) -> None:
        """In a run: the rewriting of assertions is for pytest to install; what was marked for it stays marked."""
        if self._hook in sys.meta_path:
            sys.meta_path.remove(self._hook)

    def close(self) -> None:
        """The process ends, and has no children any more."""
        signal.alarm(END_S)
        while self._finalizers:
            with suppress(Exception):
                self._finalizers.pop()()

    @property
    def read_as_a_whole(self) -> list[str]:
        """The packages that went through all variables, or gave all to a program, when they were imported."""
        return list(dict.fromkeys(map(root, self._watch.whole_environment)))

    @property
    def harmful(self) -> dict[str, str]:
        """Why a module is left out, by its name."""
        return self._store.harmful

    @property
    def rewritten(self) -> list[str]:
        """The names that plugins have asked pytest to rewrite, in modules that a run finds imported."""
        return sorted(self._hook._must_rewrite)

    def _import(self, wanted: Learnt, before: Mapping[str, object]) -> Mapping[str, object]:
        """Import a module, given the world before it; the world after it, which is the same if it did no harm."""
        fullname = wanted.fullname
        present = set(sys.modules)
        self._store.begin(fullname)
        signal.alarm(LIMIT_S)
        for name, value in self._set_for(wanted):
            set_variable(name, value)
        arguments, sys.argv = sys.argv, command_line(())
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                self._watch.world.begin_process()
                with self._watch.watching(fullname):
                    import_module(fullname)
        except BaseException as error:  # SystemExit too: nothing that an import does may end this process
            raise HarmfulImport(fullname, fault=f"its import raised {type(error).__name__}: {error}") from error
        finally:
            signal.alarm(0)
            self._store.end()
            sys.argv = arguments
        if warned:
            raise HarmfulImport(fullname, fault=f"its import warns: {warned[0].message}")
        if self._watch.world.trouble:
            raise HarmfulImport(fullname, fault=f"its import {self._watch.world.trouble}")
        if left_out := self._store.harmful.keys() & (sys.modules.keys() - present):
            raise HarmfulImport(fullname, fault=f"it imports {min(left_out)}, which is left out")
        after = self._world()
        for what, fact in after.items():
            if fact != before[what]:
                raise HarmfulImport(fullname, fault=f"its import {what}")
        return after

    def _set_for(self, wanted: Learnt) -> Iterator[tuple[str, str | None]]:
        """The environment in which the module was imported: that of the client, and what the run had set by then."""
        now, then = variables(), {**self._began_with, **wanted.variables}
        return ((name, then.get(name)) for name in {**now, **then} if now.get(name) != then.get(name))

    def _world(self) -> dict[str, object]:
        """What an import may not change where it is to be done before a run, and what it would do in words."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # what is left there, runs would write
        return {
            "starts a thread": threading.active_count(),
            "opens a GPU": sum(target.startswith(forking.GPU_DEVICES) for target in forking.open_files().values()),
            "writes something": os.fstat(self._log).st_size,
            **process_facts(),
        }

    def _settle(self) -> None:
        sys.path[:] = self._path
        self.pages.forget()
        self._keep_finalizers()
        self._threads = forking.foreign_threads()
        self.known = frozenset((*sys.modules, *self._store.harmful))
        INHERITED.update(sys.modules)
        files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        self._files.note((*self._installed, *(os.fspath(file) for file in files if file)), self._watch.files)
        names = {name for scope in self._watch.scopes for name in scope.absent} | {"sitecustomize", "usercustomize"}
        self._names = {name for name in (*names, *sys.modules) if "." not in name}
        self._own_names = {entry: modules_in(entry) & self._names for entry in self._own_directories}
        learnt = self._store.modules
        self._shelf.rewritten = {name for name in sys.modules if name in learnt and learnt[name].is_rewritten}
        early = [name for name in sys.modules if name in learnt and not learnt[name].is_late]
        # What pytest and its plugins import in each run.
        of_plugins = [name for name in early if learnt[name].is_rewritten or root(name) in sys.stdlib_module_names]
        for name, value in self._set_for(Learnt("", "", False)):
            set_variable(name, value)
        self._shelf.put_up(of_plugins, self._path, self._files.outside((sys.prefix, sys.base_prefix, *self._installed)))
        if not self._is_for_one_run:  # who waits for it: 0.1 s with torch
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
