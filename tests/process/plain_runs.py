"""
Suites that are run without a guard and with one, in forked processes. Run as a script.

For each line on stdin, ``{"mode": ..., "declared": [...], "tests": [[[operation, arguments], ...], ...]}``, a process
is forked. It answers with what became of each test: an empty string where it passed, else the error.
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
from contextlib import ExitStack, nullcontext, suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock, patch

from pytest_heavyimports.facts.distributions import is_installed
from pytest_heavyimports.facts.ledger import Ledger
from pytest_heavyimports.facts.places import Whereabouts
from pytest_heavyimports.guard.session import Guard
from pytest_heavyimports.imports.install import install
from pytest_heavyimports.imports.keeper import Keeper

from .sequence import readline

LIMIT_S = 60


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
        warnings.simplefilter("ignore")
        if mode != "off":
            keeper = Keeper()
            self.guard = Guard(
                mode, keeper, ledger=Ledger(), whereabouts=Whereabouts(os.getcwd()), around=lambda _: nullcontext()
            )
            install(self.guard, keeper)
            self.guard.protect({name: f"{name!r} (test)" for name in declared})
            self.guard.settle_start()

    def run(self, number: int, operations: list[tuple[str, list[Any]]]) -> str:
        """Gives what was wrong."""
        nodeid = f"test_{number}.py::test_it"
        with self.guard.testing(nodeid, is_lifted=False) if self.guard else nullcontext():
            test, fault = Test(), ""
            try:
                for operation, arguments in operations:
                    getattr(test, f"do_{operation}")(*arguments)
            except BaseException as error:
                fault = "".join(traceback.format_exception(type(error), error, error.__traceback__))
            if self.guard:
                self.guard.watch.check()
            test.undo.close()
            told = self.guard.settle_test(nodeid) if self.guard else []
            if self.guard and self.guard.mode == "error":
                fault = "\n".join(filter(None, [fault, *map(str, told)]))
        return fault


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
                for number, operations in enumerate(suite["tests"]):
                    os.write(answers, json.dumps(run.run(number, operations)).encode() + b"\n")
            finally:
                os._exit(0)
        os.waitpid(process, 0)
        os.write(answers, b"\n")


if __name__ == "__main__":
    main()
