"""
What a warm process has imported, and what a run gets of it. With `run.py` the writer of ``sys.modules`` in a run.

A run begins without these modules: they are on the shelf. When it imports one, a finder looks whether all that its
import could have read is as it was: the environment, the directory, ``sys.path``, ``sys.modules``, the finders, files
outside of what is installed. If so, it puts the module into ``sys.modules`` with all that it uses, and does again what
the import has done to others. Else the module is executed anew, as in a plain run. One that has loaded a shared library
can't be, so the run is given up before its first test; after that it gets the module, and a line says so.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..facts.names import root
from ..facts.places import INHERITED
from ..imports.finder import IMPORTING
from ..imports.loader import giving_spec
from .chance import seed_anew
from .inputs import Files
from .key import IGNORED, matcher
from .world import Added, Environment, variables

if TYPE_CHECKING:
    from .watching import ImportWatch, Scope

_OURS = ("pytest_heavyimports", "_pytest.assertion.rewrite")
REWRITING = "AssertionRewritingHook"
MOST_FRAMES = 12
"""Between an import and this finder, where another finder asks the others."""


class Shelf:
    """A finder of modules that were imported before the fork."""

    def __init__(self, watch: ImportWatch) -> None:
        self._watch = watch
        self._modules: dict[str, Any] = {}
        """What is on it, by name; empty while the warm process imports."""
        self._scopes: dict[str, Scope] = {}
        self._needs: dict[int, list[Scope]] = {}
        self._given: set[int] = set()
        self._lock = threading.RLock()
        self._path: list[str] = []
        self._finders: list[object] = []
        self._hooks: list[object] = []
        self._files = Files()
        self._directory = ""
        self._set_by_imports: set[str] = set()
        self.ignored: tuple[str, ...] = ()
        self.rewritten: set[str] = set()
        """Modules whose assertions pytest has rewritten here."""
        self.give_up: Callable[[list[str], str], None] | None = None
        """Has the run be a plain one, for these packages. ``None``: it can't be, as its first test has begun."""
        self.is_open = False
        self.doubts: dict[str, str] = {}
        """Why a module that the run has got may not be what it would have imported."""
        self.learner: Callable[[str], None] = lambda _: None
        """Told the name of each module that is about to be executed."""
        self.at_conftests: Callable[[], None] = lambda: None

    # In the warm process

    def put_up(self, pinned: Iterable[str], path: Sequence[str], files: Files) -> None:
        """
        Take what was imported out of ``sys.modules``, and undo what that has done to others.

        Args:
            pinned: Names of modules that are to stay, with what they use.
            path: ``sys.path``.
            files: Those outside of what is installed, that imports have read.
        """
        watch = self._watch
        staying = {id(watch.base)}
        for name in pinned:
            if name in watch.by_module:
                scope = watch.by_module[name]
                staying.update(map(id, (scope, *self.needs(scope))))
        self._path, self._files = list(path), files
        self._directory = os.getcwd()
        for scope in watch.scopes:
            if id(scope) not in staying:
                for name in scope.modules:
                    if name in sys.modules:
                        self._modules[name] = sys.modules.pop(name)
                        self._scopes[name] = scope
                self._set_by_imports.update(each.name for each in scope.effects if isinstance(each, Environment))
        for scope in reversed(watch.scopes):
            if id(scope) not in staying:
                for effect in reversed(scope.effects):
                    effect.undo()
        self._finders, self._hooks = list(sys.meta_path), list(sys.path_hooks)
        self._staying = staying
        for scope in watch.scopes:
            self.needs(scope)  # now: a run has no time for it
        self.is_open = True

    def take_down(self) -> None:
        """Put everything back: more is to be imported."""
        if not self.is_open:
            return
        self.is_open = False
        self._needs.clear()
        for scope in self._watch.scopes:
            if id(scope) not in self._staying:
                for effect in scope.effects:
                    effect.redo()
        sys.modules.update(self._modules)
        self._modules, self._scopes = {}, {}

    def needs(self, scope: Scope) -> list[Scope]:
        """The scopes that belong to what one uses, itself the last."""
        found = self._needs.get(id(scope))
        if found is None:
            by_module, seen = self._watch.by_module, {id(self._watch.base): self._watch.base}
            waiting = [scope]
            while waiting:
                one = waiting.pop()
                if id(one) not in seen:
                    seen[id(one)] = one
                    waiting += [by_module[name] for name in one.uses if name in by_module]
                    waiting += [by_module[root(name)] for name in one.modules if root(name) in by_module]
            del seen[id(self._watch.base)]
            found = self._needs[id(scope)] = [one for one in self._watch.scopes if id(one) in seen]
        return found

    # In a run

    def come_first(self) -> None:
        """
        Be asked before pytest's hook, which was installed meanwhile: what it would rewrite is rewritten.

        All plugins are loaded by now.
        """
        self.at_conftests()
        sys.meta_path.remove(self)
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, _: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Reference: "The meta path" in Python's language reference."""
        if not self.is_open or target is not None or not _is_import():
            return None
        if fullname not in self._modules:
            self.learner(fullname)
            return None
        with self._lock:
            scope = self._scopes[fullname]
            if id(scope) in self._given:
                return None  # the run has taken it away, and executes it anew as it would in any process
            needed = [one for one in self._needs[id(scope)] if id(one) not in self._staying]
            if why := self._why_not(needed):
                if not any(one.has_extension for one in needed):
                    INHERITED.discard(fullname)
                    self.learner(fullname)
                    return None
                if self.give_up:
                    late = [one for one in needed if id(one) not in self._given]
                    self.give_up(sorted({root(one.label) for one in late if one.has_extension}), why)
                self.doubts.setdefault(fullname, why)
        module = self._modules[fullname]
        return giving_spec(fullname, getattr(module, "__spec__", None), lambda: self._give(fullname, needed))

    def _give(self, fullname: str, needed: Sequence[Scope]) -> Any:
        present = sys.modules
        with self._lock:
            for scope in needed:
                if id(scope) not in self._given:
                    self._given.add(id(scope))
                    for name in scope.modules:
                        if name in self._modules:
                            present.setdefault(name, self._modules[name])
                    for effect in scope.effects:
                        if not effect.redo():
                            self.doubts.setdefault(fullname, f"another value stands where its import sets {effect}")
                    seed_anew(scope.modules)
        return self._modules[fullname]

    def _why_not(self, needed: Sequence[Scope]) -> str:
        """Why what was imported may not be what an import would give here; empty where it is."""
        if all(map(_is_standard, needed)):
            return self._of_modules(needed) or self._of_path(needed)
        return (
            self._of_modules(needed)
            or self._of_environment(needed)
            or self._of_directory(needed)
            or self._of_finders(needed)
            or self._of_path(needed)
            or self._of_tracing(needed)
        )

    def _of_modules(self, needed: Sequence[Scope]) -> str:
        found = sys.modules.get
        for scope in needed:
            if scope.draws_by_chance:
                return f"the import of {root(scope.label)} draws something by chance"
            is_given = id(scope) in self._given
            for name in scope.modules:
                if name in sys.modules and name in self._modules and found(name) is not self._modules[name]:
                    return f"something else is in the place of {name}"
                if is_given and "." not in name and name in self._modules and name not in sys.modules:
                    return f"{name} was taken out of sys.modules"
            for name in scope.absent:
                if name in sys.modules:
                    return f"there is a module {name} now"
            for name in scope.uses:
                real = self._watch.base.modules.get(name)
                if real is not None and name not in self._modules and found(name) is not real:
                    return f"something else is in the place of {name}"
        return ""

    def _of_environment(self, needed: Sequence[Scope]) -> str:
        read = self._watch.read_variables
        is_ignored, by_users = matcher(IGNORED), matcher(self.ignored)

        def relevant(environment: Mapping[str, str]) -> dict[str, str]:
            return {
                name: value
                for name, value in environment.items()
                if not by_users(name) and (name in read or not (is_ignored(name) or name in self._set_by_imports))
            }

        now = relevant(variables())
        for scope in needed:
            if id(scope) not in self._given and not _is_standard(scope):
                then = relevant(scope.environment)
                if then != now:
                    names = sorted(name for name in {**then, **now} if then.get(name) != now.get(name))
                    return f"the variable {names[0]} was set in it, and the import of {root(scope.label)} may read it"
        return ""

    def _of_directory(self, needed: Sequence[Scope]) -> str:
        is_open = [one for one in needed if id(one) not in self._given and not _is_standard(one)]
        reading = next((one for one in is_open if one.reads_directory or not one.has_extension), None)
        if reading:
            try:
                here = os.getcwd()
            except OSError:
                here = ""
            if here != self._directory:
                return f"the directory is another one, and the import of {root(reading.label)} may depend on it"
            if file := self._files.changed():
                return f"{file} has changed"
        return ""

    def _of_finders(self, needed: Sequence[Scope]) -> str:
        added = {id(each.one) for one in self._watch.scopes for each in one.effects if isinstance(each, Added)}
        if [hook for hook in sys.path_hooks if id(hook) not in added] != self._hooks:
            return "sys.path_hooks was changed"
        if any(finder not in sys.meta_path for finder in self._finders if finder is not self and not _is_ours(finder)):
            return "a finder was taken out of sys.meta_path"
        if not any(type(finder).__name__ == REWRITING for finder in sys.meta_path):
            for scope in needed:
                if rewritten := self.rewritten.intersection(scope.modules):
                    return f"pytest doesn't rewrite {min(rewritten)}"
        others = [
            finder
            for finder in sys.meta_path
            if finder not in self._finders and id(finder) not in added and not _is_ours(finder)
        ]
        for finder in others:
            find = getattr(finder, "find_spec", None)
            for scope in needed:
                if id(scope) in self._given:
                    continue
                for name in (*scope.modules, *scope.absent):
                    path = getattr(self._modules.get(name.rpartition(".")[0]), "__path__", None)
                    with suppress(Exception):
                        if find and find(name, path, None) is not None:
                            return f"{type(finder).__name__} in sys.meta_path wants to see the import of {name}"
        return ""

    def _of_path(self, needed: Sequence[Scope]) -> str:
        then, now = list(dict.fromkeys(self._path)), list(dict.fromkeys(sys.path))
        while then and now and then[-1] == now[-1]:  # what is found in none of the others is found there
            del then[-1], now[-1]
        names = {root(name) for one in needed for name in one.modules}
        absent = {name for one in needed for name in one.absent if "." not in name}
        names |= absent
        has = {entry: names if os.path.isfile(entry) else names & modules_in(entry) for entry in {*then, *now}}

        def first(entries: Sequence[str], name: str) -> str | None:
            for entry in entries:
                if name in has[entry]:
                    spec = PathFinder.find_spec(name, [entry])
                    if spec is not None and (spec.loader is not None or name in absent):
                        return entry
            return None

        for name in sorted(set().union(*has.values())):
            entry = first(now, name)
            if entry != first(then, name):
                if entry is None or entry in self._path:
                    return f"sys.path has lost a directory, or has another order, and {name} is found elsewhere"
                return f"{name} is also in {entry or 'the current directory'}, which was added to sys.path"
        return ""

    def _of_tracing(self, needed: Sequence[Scope]) -> str:
        coverage = sys.modules.get("coverage")
        current = coverage.Coverage.current() if coverage else None
        if current is None:
            tracer = sys.gettrace()
            return f"{type(tracer).__name__} traces the process" if tracer and sys.getprofile() is None else ""
        wanted = [*(current.get_option("run:source") or ()), *(current.get_option("run:source_pkgs") or ())]
        wanted += current.get_option("run:source_dirs") or () if _has_option(current, "run:source_dirs") else ()
        includes = current.get_option("run:include") or ()
        for scope in needed:
            for name, module in scope.modules.items():
                file = getattr(module, "__file__", None) or ""
                for source in wanted:
                    is_there = os.path.isdir(source) and file.startswith(os.path.abspath(source) + os.sep)
                    if is_there or name == source or name.startswith(f"{source}."):
                        return f"the import of {name} is to be measured"
            if includes and not _is_standard(scope):
                return "files are included in what coverage measures"
        return ""


def begin_conftests() -> None:
    """In a run: pytest has installed its hook and loaded its plugins, and reads conftest files next."""
    for finder in list(sys.meta_path):
        if isinstance(finder, Shelf) and finder.is_open:
            finder.come_first()


def _has_option(coverage: Any, name: str) -> bool:
    try:
        coverage.get_option(name)
    except Exception:
        return False
    return True


def _is_standard(scope: Scope) -> bool:
    return root(scope.label) in sys.stdlib_module_names


def _is_ours(finder: object) -> bool:
    kind = finder if isinstance(finder, type) else type(finder)
    return kind.__module__.startswith(_OURS)


def _is_import() -> bool:
    """Whether somebody imports; others may just want to know whether there is such a module."""
    frame = sys._getframe(2)
    for _ in range(MOST_FRAMES):
        if frame.f_code.co_name == IMPORTING:
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False


def modules_in(directory: str) -> set[str]:
    """The names of the modules that a directory may have."""
    with suppress(OSError):
        return {name.partition(".")[0] for name in os.listdir(directory or ".")}
    return set()
