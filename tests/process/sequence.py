"""
What suites do to ``sys.modules``, under a guard, and the laws that hold whatever they do. Run as a script.

For each line on stdin that begins a sequence, ``{"names": [...], "mode": ..., "warnings": ...}``, a process is forked,
so that everything in it is imported for the first time. It answers each line ``[operation, arguments]`` with
``{"broken": [law, ...], "leaks": number}``, until the operation is ``finish`` or ``leave``.
"""

from __future__ import annotations

import builtins
import faulthandler
import importlib.machinery
import json
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from importlib import reload as early_reload
from importlib.machinery import ExtensionFileLoader, SourceFileLoader
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import MagicMock, patch

from pytest_heavyimports.errors import (
    HalfImported,
    HeavyImportWarning,
    ModulesDisplaced,
    ReimportRefused,
    ReloadRefused,
)
from pytest_heavyimports.facts.distributions import is_installed
from pytest_heavyimports.facts.ledger import Ledger
from pytest_heavyimports.facts.places import Place, Whereabouts
from pytest_heavyimports.guard.session import Guard
from pytest_heavyimports.imports.install import install
from pytest_heavyimports.imports.keeper import Keeper

MISSING = type("Missing", (), {"__repr__": lambda _: "missing"})()
BROUGHT = "treedep"
SELF_COUNTING = ("tree", "beside", BROUGHT)
SWAPPED = "tree.swapped"
CORE = "tree._core"
OPERATORS = f"{CORE}.operators"  # put into sys.modules by C code
PLAIN_IMPORTS = ("import_module", "from_import", "nested")
REPLY_TIMEOUT_S = 60


class Actor(NamedTuple):
    """Who displaces modules, in words of this model."""

    kind: str
    nodeid: str = ""
    number: int = 0

    def is_one_with(self, other: Actor) -> bool:
        """A test and its own fixtures are one culprit."""
        return self == other or ("test" in (self.kind, other.kind) and self.nodeid == other.nodeid)


START = Actor("start")
BETWEEN = Actor("session")


class Executions:
    """Counts what is executed, outside of ``sys.modules``."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.whole: dict[str, Any] = {}
        """The first object of each module that was executed to its end."""
        self.again: list[str] = []
        self.at = ""
        """At the beginning of this module, once, :attr:`then` is called."""
        self.then: Callable[[], None] = lambda: None

    def begin(self, fullname: str) -> None:
        """A module's body begins."""
        self.begun.append(fullname)
        if fullname in self.whole:
            self.again.append(fullname)
        if fullname == self.at:
            self.at = ""
            self.then()

    def end(self, fullname: str, module: Any) -> None:
        """A module's body has ended."""
        if fullname == SWAPPED:
            module = sys.modules.get(fullname, module)
        self.whole.setdefault(fullname, module)
        if fullname == CORE:
            self.whole.setdefault(OPERATORS, module.operators)


EXECUTIONS = Executions()


def count_executions(loader: Any) -> None:
    """Count what loaders of this class execute; the modules of the tree tell their beginning themselves."""
    real = loader.exec_module

    def exec_module(self: Any, module: ModuleType) -> None:
        # Not its __name__: numpy 2.2 calls numpy.fft._pocketfft_umath "_multiarray_umath".
        name = module.__spec__.name if module.__spec__ else module.__name__
        if name.partition(".")[0] not in SELF_COUNTING or loader is ExtensionFileLoader:
            EXECUTIONS.begin(name)
        real(self, module)
        EXECUTIONS.end(name, module)

    loader.exec_module = exec_module


class Sequence:
    """A session of the guard, what was done in it, and what must be so."""

    def __init__(self, names: list[str], mode: str, warning_action: str) -> None:
        self.names, self.mode, self.root = names, mode, names[0]
        self.protected = {name.partition(".")[0]: f"{name!r} (test)" for name in names}
        warnings.simplefilter(warning_action, HeavyImportWarning)  # type: ignore[arg-type]  # "ignore" or "error"
        self.outside = list(sys.meta_path), importlib.reload
        self.keeper = Keeper()
        self.guard = self._guard(mode)
        self.handle = install(self.guard, self.keeper)
        self.guard.protect(self.protected)
        # The model.
        self.actor = START
        self.first: dict[str, Any] = {}
        self.specs: dict[str, tuple[Any, Any]] = {}
        self.fakes: list[Any] = []
        self.displacers: dict[str, set[Actor]] = {}
        self.ever: dict[str, set[Actor]] = {}
        self.ended: set[Actor] = set()
        self.lent: dict[str, dict[str, Any]] = {}
        self.tolerated: dict[str, Any] = {}
        self.lasting: dict[str, Any] = {}
        self.tainted: set[str] = set()
        self.is_brought = False
        self.doubled: set[str] = set()
        self.is_first_race = False
        self.failures: list[BaseException] = []
        self.half: BaseException | None = None
        self.undos: list[dict[str, Any]] = []
        self.fixtures: list[tuple[Actor, str]] = []
        self.finalized: list[Actor] = []
        self.open = ExitStack()
        self.setting_up: list[tuple[AbstractContextManager[None], Actor]] = []
        self.leaks = 0
        self.broken: list[str] = []

    def _guard(self, mode: str) -> Guard:
        return Guard(mode, self.keeper, ledger=Ledger(), whereabouts=Whereabouts(os.getcwd()), around=nullcontext)

    # What is there

    def view(self) -> dict[str, Any]:
        """What ``sys.modules`` has for the names in question."""
        roots = {*self.protected, BROUGHT}
        return {name: found for name, found in sys.modules.copy().items() if name.partition(".")[0] in roots}

    def is_fake(self, found: Any) -> bool:
        """Whether a sequence has put it there."""
        return found is None or any(found is fake for fake in self.fakes)

    def real(self, name: str) -> Any:
        """The one object of a module, so far as it is known."""
        return self.first.get(name, EXECUTIONS.whole.get(name, MISSING))

    def is_in_place(self, name: str) -> bool:
        """Whether the real module of that name is there."""
        return name in sys.modules and sys.modules[name] is self.real(name)

    def is_displaced(self, name: str, view: dict[str, Any]) -> bool:
        """Whether somebody has displaced a module, and hasn't undone it."""
        found = view.get(name, MISSING)
        if self.is_fake(found) and any(name in some and some[name] is found for some in (self.tolerated, self.lasting)):
            return False
        real = self.real(name)
        return self.is_fake(found) if real is MISSING else found is not real

    def law(self, holds: object, told: str) -> None:
        """Note a law that doesn't hold."""
        if not holds:
            self.broken.append(told)

    # Around every operation

    def run(self, operation: str, arguments: list[Any]) -> dict[str, Any]:
        """Do it, check the laws, and tell what is broken."""
        self.broken, self.leaks = [], 0
        before, began = self.view(), len(EXECUTIONS.begun)
        was_whole = self.real(self.root) is not MISSING
        is_to_come_back = self.is_brought and self.is_displaced(self.root, before)
        touched = getattr(self, f"do_{operation}")(*arguments)
        after = self.view()
        for name in EXECUTIONS.again:
            self.law(name == BROUGHT and not is_to_come_back, f"{name} was executed again")
            self.doubled.add(name)
        EXECUTIONS.again.clear()
        if len(EXECUTIONS.begun) > began:
            fakes = {*before, *after} & {
                name for name, found in [*before.items(), *after.items()] if self.is_fake(found)
            }
            self.tainted |= fakes
        for name, found in after.items():
            if not self.is_fake(found):
                self._check_real(name, found)
        if touched is not None:  # else modules may have come in
            for name in {*before, *after} - set(touched):
                was, now = before.get(name, MISSING), after.get(name, MISSING)
                self.law(was is now, f"{operation} changed sys.modules[{name!r}] from {was!r} to {now!r}")
        elif operation in PLAIN_IMPORTS:
            for name, fake in before.items():
                if self.is_fake(fake):
                    now = after.get(name, MISSING)
                    self.law(now is fake, f"{operation} took the fake of {name!r} away: {now!r}")
        if self.real(self.root) is not MISSING and not was_whole and operation in PLAIN_IMPORTS:
            self.is_brought = BROUGHT in EXECUTIONS.begun[began:]
        is_given_back = self.root not in before and after.get(self.root) is self.real(self.root)
        if self.is_brought and is_given_back and operation in PLAIN_IMPORTS:
            self.law(BROUGHT in after, f"{self.root} is there without {BROUGHT}, which it has brought in")
        self._notice(before, after)
        return {"broken": self.broken, "leaks": self.leaks}

    def _check_real(self, name: str, found: Any) -> None:
        if name in self.doubled:
            return  # rightly executed again: an undoing may put either object back
        if name in EXECUTIONS.whole and name != SWAPPED:
            self.law(found is EXECUTIONS.whole[name], f"{name} is not the object that was executed")
        if self.first.setdefault(name, found) is not found:
            self.law(False, f"{name} is a second object")
        spec = getattr(found, "__spec__", None), getattr(found, "__loader__", None)
        for one in (*spec, getattr(spec[0], "loader", None)):
            self.law(not type(one).__module__.startswith("pytest_heavyimports"), f"{name} has {one!r} of the plugin")
        self.law(self.specs.setdefault(name, spec) == spec, f"{name} has another spec or loader: {spec}")

    def _notice(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        for name in {*before, *after, *self.first, *EXECUTIONS.whole, *self.displacers}:
            if not self._is_ours(name):
                continue
            if not self.is_displaced(name, after):
                self.displacers.pop(name, None)
            elif name not in self.displacers or before.get(name, MISSING) is not after.get(name, MISSING):
                self.displacers.setdefault(name, set()).add(self.actor)
                self.ever.setdefault(name, set()).add(self.actor)

    def _is_ours(self, name: str) -> bool:
        return name.partition(".")[0] in self.protected

    # Imports

    def do_import_module(self, name: str) -> None:
        """``importlib.import_module(name)``."""
        self._import(name)

    def _import(self, name: str, evicting: bool = False) -> None:
        before, began = self.view(), len(EXECUTIONS.begun)
        missing = self._missing_ancestor(name, before)
        is_due = missing and self.real(missing) is not MISSING and self._is_sole_culprit(missing) and not evicting
        half = None if self.root in before else self.half
        got, error = attempt(name)
        if half and name == self.root:
            self.law(error is half, f"import {name}, which failed half-way with {half!r}, gave {got!r} {error!r}")
        self._judge(name, before, got, error, began=EXECUTIONS.begun[began:], evicting=evicting)
        is_broken_off = self.root in EXECUTIONS.begun[began:] and self.real(self.root) is MISSING
        if is_broken_off and not evicting and CORE in sys.modules and CORE in EXECUTIONS.begun[began:]:
            self.half = error
        is_refused = isinstance(error, ReimportRefused)
        self.law(is_refused or not is_due or self.mode != "error", f"import {name} was not refused: {missing}")

    def _judge(
        self,
        name: str,
        before: dict[str, Any],
        got: Any,
        error: BaseException | None,
        *,
        began: list[str],
        evicting: bool = False,
        racing: bool = False,
    ) -> None:
        if error is None:
            found = before.get(name, MISSING)
            if found is not MISSING and (got is found or not evicting):
                self.law(got is found, f"import {name} gave {got!r} while sys.modules had {found!r}")
            else:
                self.law(not self.is_fake(got), f"import {name} gave {got!r}, which nobody had put there")
                self.law(evicting or not self._is_under_fake(name, before), f"import {name} gave {got!r} under a fake")
                self.law(self.first.setdefault(name, got) is got, f"import {name} gave a second object")
        elif isinstance(error, ReimportRefused):
            self.law(self.mode == "error", f"import {name} was refused in mode restore")
            is_culprit = evicting or any(self.actor.is_one_with(one) for one in self.ever.get(error.fullname, ()))
            self.law(is_culprit and self.actor.kind != "start", f"import {name} was refused to a victim: {error}")
            self.law(not began or racing, f"the refusal to import {name} executed {began}")
        elif isinstance(error, (ReloadRefused, HalfImported)):
            self.law(False, f"import {name} raised {error!r}")
        elif any(error is failure for failure in self.failures):
            pass  # half imported
        elif isinstance(error, Exception) and any(map(self.is_fake, before.values())):
            self.failures.append(error)
        elif racing and isinstance(error, KeyError):
            self.failures.append(error)  # CPython's own: importlib takes a module out for a moment after its load
        elif racing and self.is_first_race and isinstance(error, Exception):
            self.failures.append(error)  # CPython's own: threads that wait for each other see modules half done
        elif racing and isinstance(error, ImportError) and "partially initialized" in str(error):
            self.failures.append(error)  # the same
        elif racing and type(error).__name__ == "_DeadlockError":
            self.failures.append(error)  # CPython's own, where threads import a package and a part of it
        else:
            self.law(
                False,
                f"import {name} raised {''.join(traceback.format_exception(type(error), error, error.__traceback__))}",
            )

    def _missing_ancestor(self, name: str, before: dict[str, Any]) -> str:
        """The outermost module that an import of *name* finds missing, under a parent that is in its place."""
        missing = ""
        while name and name not in before:
            missing, name = name, name.rpartition(".")[0]
        return missing if not name or before[name] is self.real(name) else ""

    def _is_under_fake(self, name: str, before: dict[str, Any]) -> bool:
        """Whether an import of *name*, which is missing, has to go by a fake."""
        while name and name not in before:
            name = name.rpartition(".")[0]
        return bool(name) and self.is_fake(before[name])

    def _is_sole_culprit(self, name: str) -> bool:
        lasting = self.ever.get(name, set()) - self.ended
        return self.actor.kind in ("file", "fixture", "test") and self.displacers.get(name) == lasting == {self.actor}

    def do_from_import(self, name: str) -> None:
        """``from parent import child``."""
        parent, _, child = name.rpartition(".")
        before = self.view()
        if not parent or self.is_fake(before.get(parent, MISSING)):
            return
        began = len(EXECUTIONS.begun)
        try:
            space: dict[str, Any] = {}
            exec(f"from {parent} import {child} as got", space)
        except BaseException as error:
            self._judge(name, before, None, error, began=EXECUTIONS.begun[began:])
        else:
            got, real = space["got"], self.real(name)
            is_there = got is before.get(name, MISSING) or got is real or name in self.tainted
            self.law(is_there or real is MISSING, f"from {parent} import {child} gave {got!r}")

    def do_rollback(self, names: list[str], fake: str, kind: str) -> None:
        """Import under ``patch.dict(sys.modules)``, perhaps with a fake in it."""
        before = self.view()
        values = {fake: self._make(fake, kind)} if fake else {}
        with patch.dict(sys.modules, values):
            for name in names:
                step = self.view()
                self._import(name)
                self._notice(step, self.view())
        after = self.view()
        if fake and len(EXECUTIONS.begun):
            self.tainted.add(fake)
        for name, found in before.items():
            self.law(after.get(name, MISSING) is found, f"after patch.dict sys.modules[{name!r}] is another")

    def do_race(self, names: list[str], evict: str, how: str) -> None:
        """Import from several threads at once, while another one may evict."""
        before = self.view()
        self.is_first_race = self.real(self.root) is MISSING
        started = threading.Barrier(len(names) + bool(evict))
        results: list[tuple[str, Any, BaseException | None]] = []

        def importer(name: str) -> None:
            started.wait()
            results.append((name, *attempt(name)))

        def evictor() -> None:
            started.wait()
            self._evict(self._names(evict), how)

        threads = [threading.Thread(target=importer, args=(name,)) for name in names]
        if evict:
            threads.append(threading.Thread(target=evictor))
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
        for name, got, error in results:
            self._judge(name, before, got, error, began=[], evicting=bool(evict), racing=True)

    def do_purge_at(self, name: str, at: str, evict: str, how: str) -> None:
        """Import while another thread evicts at the moment that the body of *at* begins."""

        def purge() -> None:
            thread = threading.Thread(target=lambda: self._evict(self._names(evict), how))
            thread.start()
            thread.join()

        EXECUTIONS.at, EXECUTIONS.then = at, purge
        self._import(name, evicting=True)
        EXECUTIONS.at = ""

    def do_nested(self, mode: str, name: str) -> None:
        """Import in a session inside of this one, which keeps with the same keeper."""
        inner = self._guard(mode)
        with install(inner, self.keeper):
            inner.protect(self.protected)
            inner.settle_start()
            outer, self.actor = self.actor, BETWEEN
            self._import(name)
            self.actor = outer

    # Displacements

    def _names(self, which: str) -> list[str]:
        if which == "tree":
            return [name for name in self.view() if name.partition(".")[0] == self.root]
        return list(self.view()) if which == "all" else [which]

    def _evict(self, names: Iterable[str], how: str) -> None:
        names = sorted(names, reverse=True)  # parts before their packages
        if how == "refill":
            rest = {name: module for name, module in sys.modules.copy().items() if name not in names}
            sys.modules.clear()
            sys.modules.update(rest)
        for name in names:
            parent, _, child = name.rpartition(".")
            if how == "strip" and name in sys.modules and self.is_in_place(parent):
                vars(sys.modules[parent]).pop(child, None)
            if how == "pop":
                sys.modules.pop(name, None)
            elif name in sys.modules:
                try:  # noqa: SIM105  # in a thread that others race
                    del sys.modules[name]
                except KeyError:  # another thread was faster
                    pass

    def _remember(self, names: Iterable[str]) -> None:
        view = self.view()
        self.undos.append({name: view.get(name, MISSING) for name in names})

    def do_evict(self, which: str, how: str) -> list[str]:
        """Take modules out of ``sys.modules``."""
        names = self._names(which)
        self._remember(names)
        self._evict(names, how)
        return names

    def do_fake(self, name: str, kind: str) -> list[str]:
        """Put a fake in the place of a module."""
        self._remember([name])
        sys.modules[name] = self._make(name, kind)
        return [name]

    def _make(self, name: str, kind: str) -> Any:
        fake = None if kind == "None" else MagicMock() if kind == "MagicMock" else ModuleType(name)
        if isinstance(fake, ModuleType) and kind == "package":
            fake.__path__ = []
        self.fakes.append(fake)
        return fake

    def do_undo(self) -> list[str]:
        """Put back what was there before the latest eviction or fake that was not undone yet."""
        if not self.undos:
            return []
        values = self.undos.pop()
        for name, found in values.items():
            if found is MISSING:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = found
        for name, found in values.items():
            parent, _, child = name.rpartition(".")
            if self.is_in_place(name) and self.is_in_place(parent):
                vars(sys.modules[parent]).setdefault(child, found)
        return list(values)

    def do_reload(self, name: str, is_early: bool) -> list[str]:
        """Reload what is there for a name, or the module where nothing is there."""
        module = sys.modules.get(name, self.real(name))
        if module is MISSING:
            return []
        before, began = self.view(), len(EXECUTIONS.begun)
        parent = name.rpartition(".")[0]
        can_be = before.get(name) is module and (not parent or before.get(parent) is self.real(parent))
        can_be = can_be and isinstance(module, ModuleType)
        given, error = None, None
        try:
            given = early_reload(module) if is_early else importlib.reload(module)
        except Exception as raised:
            error = raised
        self.law(len(EXECUTIONS.begun) == began, f"reload of {name} executed {EXECUTIONS.begun[began:]}")
        self.law(not isinstance(error, ReloadRefused) or self.mode == "error", f"reload of {name} was refused")
        if can_be and name != SWAPPED:
            warns = next(one[0] for one in warnings.filters if one[2] is HeavyImportWarning) == "error"
            is_due = ReloadRefused if self.mode == "error" else HeavyImportWarning if warns else type(None)
            self.law(type(error) is is_due, f"reload of {name} raised {error!r}")
        self.law(error or given is module, f"reload of {name} gave {given!r}")
        return []

    # pytest

    def do_begin_collection(self) -> None:
        """Collection begins: what was displaced before is judged."""
        self.guard.settle_start()
        self._end([START])
        for name, found in self.view().items():
            if self.is_fake(found):
                self.lasting[name] = found
                self.law(self.real(name) is MISSING, f"the fake of {name} from before collection stands before it")
        self.actor = BETWEEN

    def do_collect(self, nodeid: str) -> list[str]:
        """A file, or a directory's conftest, is collected from now on."""
        lent = self._lent_to(nodeid)
        self.open.enter_context(self.guard.collecting(nodeid))
        self.actor = Actor("file", nodeid)
        return lent

    def _lent_to(self, nodeid: str) -> list[str]:
        """Fakes that a file, or the conftest of a directory, has left, and that what lies in it shall see."""
        for file, fakes in self.lent.items():
            if nodeid.startswith((f"{file}::", f"{file}/")):
                self.tolerated.update(fakes)
        return list(self.tolerated)

    def do_collected(self) -> None:
        """It is collected. Its fakes are lent to its tests."""
        file, before = self.actor, self.view()
        self.open.pop_all().close()
        leaks = self.guard.settle_file(file.nodeid, is_lifted=False)
        fakes = {
            name: found
            for name, found in before.items()
            if self.is_fake(found) and file in self.displacers.get(name, ())
        }
        self.lent[file.nodeid] = fakes
        self.tolerated = {}
        self._end([file], leaks)
        self.actor = BETWEEN

    def do_test(self, nodeid: str) -> list[str]:
        """A test begins; fakes that its file has left are there."""
        lent = self._lent_to(nodeid)
        self.open.enter_context(self.guard.testing(nodeid, is_lifted=False))
        self.actor = Actor("test", nodeid)
        for name, fake in self.tolerated.items():
            self.law(sys.modules.get(name, MISSING) is fake, f"the fake of {name} is not lent to the file's test")
        return lent

    def do_set_up(self, scope: str) -> list[str]:
        """The setup of a fixture begins."""
        node = {"function": self._test, "class": self._test.rpartition("::")[0], "session": ""}
        node["module"] = self._test.partition("::")[0]
        fixture = Actor("fixture", node[scope], len(self.fixtures) + len(self.ended) + 1)
        self.guard.settle_fixtures()
        place = Place("setup", fixture.nodeid, "it")
        context = self.guard.setting_up(fixture, place, is_shared=scope != "function")
        context.__enter__()
        self.setting_up.append((context, self.actor))
        self.fixtures.append((fixture, scope))
        self.actor = fixture
        return []

    @property
    def _test(self) -> str:
        return self.actor.nodeid if not self.setting_up else self.setting_up[0][1].nodeid

    def do_set_up_done(self) -> list[str]:
        """The setup that began last has ended."""
        context, self.actor = self.setting_up.pop()
        context.__exit__(None, None, None)
        return []

    def do_tear_down(self) -> list[str]:
        """The teardown of the test begins."""
        self.guard.watch.check()
        return []

    def do_finalize(self) -> None:
        """The fixture that was set up last is finalized; it is judged when the teardown is over."""
        fixture, _ = self.fixtures.pop()
        self.guard.finalized(fixture, Place("teardown", fixture.nodeid, "it"))
        self.finalized.append(fixture)

    def do_end_test(self, is_last: bool) -> None:
        """The remaining fixtures of the test are finalized, of its file too where it is the last one, and it ends."""
        while self.fixtures and (is_last or self.fixtures[-1][1] == "function"):
            step = self.view()
            self.do_finalize()
            self._notice(step, self.view())
        test = self.actor
        leaks = self.guard.settle_test(test.nodeid)
        self._end([test, *self.finalized], leaks)
        self.finalized = []
        lent, before = self.tolerated, self.view()
        self.open.pop_all().close()
        self.tolerated = {}
        for name, fake in lent.items():
            if before.get(name, MISSING) is fake:
                self.law(sys.modules.get(name, MISSING) is not fake, f"the lent fake of {name} is still there")
        self.actor = BETWEEN

    def _end(self, owners: list[Actor], leaks: Iterable[Exception] = ()) -> None:
        """Owners have ended: no displacement is theirs alone."""
        self.ended.update(owners)
        after = self.view()
        if owners == [START]:
            self.lasting = {name: found for name, found in after.items() if self.is_fake(found)}
        for name, displacers in self.displacers.items():
            is_left = self.is_displaced(name, after) and self.ever[name] <= self.ended
            self.law(not is_left, f"{name} is still displaced after {owners} ended: {after.get(name, MISSING)!r}")
            own, ever = {self.actor, *owners}, self.ever[name]
            if not any(one.nodeid == other.nodeid for one in ever for other in own) and not ever & self.ended:
                self.law(self.is_displaced(name, after), f"{name} was put back before {displacers} ended")
        for leak in leaks:
            if not isinstance(leak, ModulesDisplaced):
                continue  # a warning that could not be told at its import
            self.leaks += 1
            # One that was undone and done again between two checkpoints is the first one's.
            culprits = self.ever.get(leak.fullname, set())
            is_right = any((one.nodeid and one.nodeid in leak.taken_by) or one in owners for one in culprits)
            self.law(is_right, f"{leak.taken_by} is blamed for {leak.fullname}, displaced by {culprits}")

    # The end

    def do_leave(self) -> list[str]:
        """Nobody cares any more."""
        return []

    def do_finish(self) -> None:
        """Every owner ends, and everything is in its place."""
        if self.actor == START:
            self._step(self.do_begin_collection)
        while self.setting_up:
            self._step(self.do_set_up_done)
        if self.actor.kind == "file":
            self._step(self.do_collected)
        if self.actor == BETWEEN:
            self._step(lambda: self.do_test("test_z.py::test_last"))
        self._step(self.do_tear_down)
        self._step(lambda: self.do_end_test(True))
        after, core = self.view(), EXECUTIONS.whole.get(CORE)
        for name, module in self.keeper.kept.items():
            is_tolerated = name in self.lasting and after.get(name, MISSING) is self.lasting[name]
            self.law(is_tolerated or after.get(name) is module, f"at the end {name} is {after.get(name, MISSING)!r}")
            self.law(module is self.real(name), f"what is kept for {name} is another object")
            parent, _, child = name.rpartition(".")
            if parent in self.keeper.kept and name not in self.tainted and name in self.names:
                attribute = vars(self.keeper.kept[parent]).get(child, MISSING)
                self.law(attribute is module, f"at the end {name} is not an attribute of its parent: {attribute!r}")
        for name, module in EXECUTIONS.whole.items():
            if self._is_ours(name):
                self.law(self.keeper.kept.get(name) is module or name == SWAPPED, f"{name} is not kept")
        self.law(core is None or core.initialisations() == 1, "the extension module was set up again")
        self.handle.close()
        self.law(
            (list(sys.meta_path), importlib.reload) == self.outside, "sys.meta_path or importlib.reload is changed"
        )
        for name in self.names:
            if name in EXECUTIONS.whole and name not in self.lasting:
                got, error = attempt(name)
                self.law(got is self.real(name), f"after the session import {name} gave {got!r} {error!r}")

    def _step(self, do: Callable[[], object]) -> None:
        before = self.view()
        do()
        self._notice(before, self.view())


def attempt(name: str) -> tuple[Any, BaseException | None]:
    """Import a module; give it, or what was raised."""
    try:
        return importlib.import_module(name), None
    except BaseException as error:
        return None, error


def serve(begin: dict[str, Any]) -> None:
    """Run one sequence."""
    faulthandler.dump_traceback_later(REPLY_TIMEOUT_S, exit=True)
    sequence = Sequence(begin["names"], begin["mode"], begin["warnings"])
    operation = ""
    write({"broken": [], "leaks": 0})
    while operation not in ("finish", "leave"):
        operation, arguments = json.loads(readline())
        try:
            reply = sequence.run(operation, arguments)
        except BaseException:
            reply = {"broken": [traceback.format_exc()], "leaks": 0}
        write(reply)


def readline() -> bytes:
    """A line of stdin; nothing is read ahead, for the next reader may be another process."""
    line = b""
    while not line.endswith(b"\n"):
        got = os.read(0, 1 << 16)
        if not got:
            os._exit(0)
        line += got
    return line


def write(reply: dict[str, Any]) -> None:
    """A line to stdout."""
    os.write(1, json.dumps(reply).encode() + b"\n")


def main() -> None:
    """Fork a process for each sequence."""
    faulthandler.enable()
    is_installed(importlib.machinery.ModuleSpec("warm", None, origin=__file__))  # remembers where packages lie
    builtins.begun = EXECUTIONS.begin  # type: ignore[attr-defined]  # for the modules of the tree
    count_executions(SourceFileLoader)
    count_executions(ExtensionFileLoader)
    while True:
        begin = json.loads(readline())
        process = os.fork()
        if process == 0:
            try:
                serve(begin)
            finally:
                os._exit(0)
        _, status = os.waitpid(process, 0)
        if status:
            write({"broken": [f"the process died: wait status {status}"], "leaks": 0, "died": True})


if __name__ == "__main__":
    main()
