"""
Suites that are run without a guard and with one, in forked processes. Run as a script.

For each line on stdin, ``{"mode": ..., "declared": [...], "tests": [...]}``, a process is forked. A test is a file of
its own, ``{"top": [[operation, arguments], ...], "shared": ..., "own": ..., "call": ...}``: what its top does, what two
fixtures do, and the test itself. The fixture that all share is that of the first test. The process answers with what
became of each test: an empty string where it passed, else the error.
"""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import os
import runpy
import sys
import threading
import traceback
import warnings
from collections.abc import Iterable
from contextlib import ExitStack, nullcontext, suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock, patch

from pytest_heavyimports.facts.distributions import is_installed
from pytest_heavyimports.facts.ledger import Ledger
from pytest_heavyimports.facts.places import Place, Whereabouts
from pytest_heavyimports.guard.session import Guard
from pytest_heavyimports.imports.install import install
from pytest_heavyimports.imports.keeper import Keeper

from .sequence import readline

LIMIT_S = 60
Operation = tuple[str, list[Any]]


class HookedLoader(SourceFileLoader):
    """Changes what it loads, as that of typeguard does."""

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["is_hooked"] = True
        super().exec_module(module)


class Hook:
    """An import hook that wants to be the first."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """What the path finder gives, with a loader of its own."""
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = HookedLoader(fullname, spec.loader.path)
        return spec


class Test:
    """What one test does."""

    def __init__(self) -> None:
        self.undo = ExitStack()

    def do_load(self, name: str) -> None:
        importlib.import_module(name)

    def do_bound(self, name: str) -> None:
        """``import a.b``, and then ``a.b``, are one module."""
        found = __import__(name)
        for part in name.split(".")[1:]:
            found = getattr(found, part)
        assert found is sys.modules[name], f"{name} is bound to another module"

    def do_related(self, base: str, derived: str) -> None:
        """One class derives from another."""
        first, second = (self._get(path) for path in (base, derived))
        assert issubclass(second, first), f"{derived} and {base} are not related"

    def do_is(self, one: str, other: str) -> None:
        """Two names are of one object."""
        assert self._get(one) is self._get(other), f"{one} and {other} are two objects"

    def do_gives(self, path: str, value: object) -> None:
        """A function gives a value."""
        got = self._get(path)()
        assert got == value, f"{path}() gave {got!r}"

    def do_made(self, package: str, path: str, value: object) -> None:
        """A package makes a finder when it is asked to, which finds parts that are in no file."""
        importlib.import_module(package).mint()
        self.do_gives(path, value)

    def do_fresh(self, name: str) -> None:
        """Own code that was thrown out is executed again: its state is that of its beginning."""
        for each in [each for each in sys.modules if each.partition(".")[0] == name.partition(".")[0]]:
            del sys.modules[each]
        state = importlib.import_module(name)
        assert state.calls == 0, f"{name} is not fresh"
        state.calls += 1

    def _get(self, path: str) -> Any:
        name, _, attribute = path.partition(":")
        return getattr(importlib.import_module(name), attribute)

    def do_purge(self, *prefixes: str) -> None:
        """Throw modules out."""
        for name in [name for name in sys.modules if name.startswith(prefixes)]:
            del sys.modules[name]

    def do_rollback(self, fake: str, *names: str) -> None:
        """First imports inside of ``patch.dict``."""
        with patch.dict(sys.modules, {fake: MagicMock()} if fake else {}):
            for name in names:
                importlib.import_module(name)

    def do_fake(self, name: str, kind: str) -> None:
        """Put a fake in, and take it out at the end, as ``monkeypatch.setitem`` does."""
        before = sys.modules.get(name)
        is_there = name in sys.modules
        sys.modules[name] = MagicMock() if kind == "MagicMock" else ModuleType(name)

        def put_back() -> None:
            if is_there:
                sys.modules[name] = before  # type: ignore[assignment]  # as it was
            else:
                sys.modules.pop(name, None)

        self.undo.callback(put_back)

    def do_leave(self, name: str) -> None:
        """Put a fake in, and leave it."""
        sys.modules[name] = MagicMock()

    def do_block(self, name: str) -> None:
        """Play "not installed", until the end."""
        self.undo.enter_context(patch.dict(sys.modules, {name: None}))  # type: ignore[dict-item]  # as import sees it

    def do_optional(self, name: str) -> None:
        """Import what may be missing."""
        with suppress(ImportError):
            importlib.import_module(name)

    def do_anew(self, *prefixes: str) -> None:
        """Import modules again beside those that there are, which come back."""
        names = [name for name in sys.modules if name.startswith(prefixes)]
        before = {name: sys.modules.pop(name) for name in names}
        try:
            for name in names:
                importlib.import_module(name)
        finally:
            for name in [name for name in sys.modules if name.startswith(prefixes)]:
                del sys.modules[name]
            sys.modules.update(before)

    def do_patched(self, path: str) -> None:
        """An attribute is a mock for a while, by its name."""
        with patch(path) as mock:
            name, _, attribute = path.rpartition(".")
            assert getattr(importlib.import_module(name), attribute) is mock, f"{path} is not patched"

    def do_copy(self, name: str) -> None:
        """Execute the file of a module under another name."""
        spec = importlib.util.find_spec(name)
        assert spec is not None
        copied = importlib.util.spec_from_file_location("copied", spec.origin)
        assert copied is not None
        assert copied.loader is not None
        copied.loader.exec_module(importlib.util.module_from_spec(copied))

    def do_run(self, name: str) -> None:
        """Execute a module as ``python -m`` does."""
        runpy.run_module(name, run_name="ran")

    def do_thread(self, name: str) -> None:
        """Import a module in a thread of its own."""
        errors: list[BaseException] = []

        def load() -> None:
            try:
                importlib.import_module(name)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=load)
        thread.start()
        thread.join()
        for error in errors:
            raise error

    def do_refill(self) -> None:
        """Empty ``sys.modules``, and fill it again."""
        before = dict(sys.modules)
        sys.modules.clear()
        sys.modules.update(before)

    def do_reload(self, name: str) -> None:
        importlib.reload(importlib.import_module(name))

    def do_hook(self) -> None:
        """An import hook in front, taken out by its place."""
        sys.meta_path.insert(0, Hook())  # type: ignore[arg-type]  # a duck
        self.undo.callback(sys.meta_path.pop, 0)

    def do_hooked(self, name: str) -> None:
        """A module is imported by the hook that is in front."""
        assert vars(importlib.import_module(name)).get("is_hooked"), f"the hook has not seen {name}"

    def do_without_finders(self, name: str) -> None:
        """Nothing can be imported while ``sys.meta_path`` is empty."""
        before = sys.meta_path
        sys.meta_path = []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(name)
        except ImportError:
            pass
        finally:
            sys.meta_path = before


class Run:
    """One suite."""

    def __init__(self, mode: str, declared: list[str]) -> None:
        self.guard: Guard | None = None
        self._shared: list[Fixture] = []
        warnings.simplefilter("ignore")
        if mode != "off":
            keeper = Keeper()
            self.guard = Guard(
                mode, keeper, ledger=Ledger(), whereabouts=Whereabouts(os.getcwd()), around=lambda _: nullcontext()
            )
            install(self.guard, keeper)
            self.guard.protect({name: f"{name!r} (test)" for name in declared})
            self.guard.settle_start()

    def collect(self, number: int, operations: list[Operation]) -> str:
        """Execute the top of a file; gives what was wrong."""
        nodeid = f"test_{number}.py"
        with self.guard.collecting(nodeid) if self.guard else nullcontext():
            fault = _perform(Test(), operations)[0]
        return self._with_told(fault, self.guard.settle_file(nodeid, is_lifted=False) if self.guard else [])

    def run(self, number: int, test: dict[str, Any], *, is_last: bool) -> str:
        """Run a test with its fixtures; gives what was wrong."""
        nodeid = f"test_{number}.py::test_it"
        with self.guard.testing(nodeid, is_lifted=False) if self.guard else nullcontext():
            told: list[object] = []
            fixtures = [Fixture("shared", nodeid="")] * (number == 0) + [Fixture("own", nodeid)]
            faults = []
            for fixture in fixtures:
                if self.guard:
                    told += self.guard.settle_fixtures()
                faults.append(fixture.set_up(self.guard, test[fixture.name]))
                if faults[-1]:
                    break
            fixtures = fixtures[: len(faults)]
            self._shared += [fixture for fixture in fixtures if fixture.is_shared]
            call = Test()
            if not any(faults):
                fault, error = _perform(call, test["call"])
                faults.append(fault)
                if error and self.guard:
                    self.guard.has_failed(error)
            if self.guard:
                self.guard.tearing_down(is_any_shared_over=is_last)
            call.undo.close()
            for fixture in [each for each in fixtures if not each.is_shared] + (self._shared if is_last else []):
                fixture.tear_down(self.guard)
            if self.guard:
                told += self.guard.settle_test(nodeid)
        return self._with_told("\n".join(filter(None, faults)), told)

    def _with_told(self, fault: str, told: Iterable[object]) -> str:
        is_strict = self.guard is not None and self.guard.mode == "error"
        return "\n".join(filter(None, [fault, *map(str, told)])) if is_strict else fault


class Fixture:
    """What is done before a test, and undone after it."""

    def __init__(self, name: str, nodeid: str) -> None:
        self.name = name
        self.is_shared = not nodeid
        self._nodeid = nodeid
        self._test = Test()
        self._function = Fixture.tear_down if self.is_shared else Fixture.set_up  # any: the same for all tests

    def set_up(self, guard: Guard | None, operations: list[Operation]) -> str:
        """Gives what was wrong."""
        if guard is None:
            return _perform(self._test, operations)[0]
        with guard.setting_up(self, self._place("setup"), is_shared=self.is_shared, function=self._function):
            fault, error = _perform(self._test, operations)
            if error:
                guard.has_failed(error, self)
        return fault

    def tear_down(self, guard: Guard | None) -> None:
        """Undo it."""
        self._test.undo.close()
        if guard:
            guard.finalized(self, self._place("teardown"), self._function)

    def _place(self, phase: str) -> Place:
        return Place(phase, self._nodeid, self.name)


def _perform(test: Test, operations: list[Operation]) -> tuple[str, BaseException | None]:
    """What was wrong, as a text and as an error."""
    try:
        for operation, arguments in operations:
            getattr(test, f"do_{operation}")(*arguments)
    except BaseException as error:
        return "".join(traceback.format_exception(type(error), error, error.__traceback__)), error
    return "", None


def main() -> None:
    """Fork a process for each suite."""
    is_installed(ModuleSpec("warm", None, origin=__file__))  # remembers where packages lie
    answers, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # packages may print
    while True:
        suite = json.loads(readline())
        process = os.fork()
        if process == 0:
            faulthandler.dump_traceback_later(LIMIT_S, exit=True)
            try:
                run = Run(suite["mode"], suite["declared"])
                tests = suite["tests"]
                collected = [run.collect(number, test["top"]) for number, test in enumerate(tests)]
                for number, test in enumerate(tests):
                    is_last = number == len(tests) - 1
                    fault = collected[number] or run.run(number, test, is_last=is_last)
                    os.write(answers, json.dumps(fault).encode() + b"\n")
            finally:
                os._exit(0)
        os.waitpid(process, 0)
        os.write(answers, b"\n")


if __name__ == "__main__":
    main()
