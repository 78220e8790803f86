"""
What imports depend on and what they do to others, noted while a warm process makes them.

A *scope* is the execution of one package: from its first statement to its last, without those packages that it imports
for the first time, which have scopes of their own. Owns the doors ``builtins.__import__``, ``os.environ.__class__``,
``os.stat`` and its kin, each for the time of an import.
"""

from __future__ import annotations

import atexit
import builtins
import codecs
import importlib
import os
import random
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.machinery import EXTENSION_SUFFIXES
from threading import get_ident
from types import FrameType, ModuleType
from typing import Any

from ..facts.names import lineage, root
from ..imports.loader import as_import_system
from .chance import states
from .world import MISSING, Called, Effect, Set, World, variables

SEEDED = ("numpy", "torch")
"""Packages whose generators `chance.py` seeds anew in each run."""
AS_A_WHOLE = {
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"),
    *("ctypes.dlopen", "ctypes.dlsym", "ctypes.dlsym/handle"),
}
LISTED = {"os.listdir", "os.scandir"}
_HEARD = {"open", *AS_A_WHOLE, *LISTED}
# Whether what they look for is still the same, is asked in other ways.
_IMPORT_SYSTEM = ("importlib._bootstrap_external", "importlib._bootstrap", "zipimport", "importlib.metadata")
_STATS = ("stat", "lstat", "access", "readlink")


class Scope:
    """The execution of a package, or of modules of one that came later."""

    def __init__(self, label: str, environment: Mapping[str, str]) -> None:
        """
        Args:
            label: The module that was asked for.
            environment: The variables when it began.
        """
        self.label = label
        self.environment = dict(environment)
        self.modules: dict[str, Any] = {}
        """What came into ``sys.modules``, in order."""
        self.uses: set[str] = set()
        """Modules that were asked for."""
        self.absent: set[str] = set()
        """Modules that were looked for and not found."""
        self.effects: list[Effect] = []
        self.generators: list[weakref.ref[random.Random]] = []
        """Those that it has seeded by chance."""
        self.draws_by_chance = False
        self.reads_directory = False
        self.has_extension = False
        """Whether it has loaded a shared library, which can't be loaded twice."""


class ImportWatch:
    """All scopes of a process, and the one that is being executed."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.by_module: dict[str, Scope] = {}
        self.files: dict[str, bool] = {}
        """Paths that were read, and whether the directory of that name was listed."""
        self.whole_environment: dict[str, None] = {}
        """Who has read the environment as a whole, by the names of modules."""
        self.read_variables: dict[str, str | None] = {}
        """Variables that were asked for by name, with what was found."""
        self.world = World()
        self._stack: list[Scope] = []
        self._thread = 0
        self.walked_to: Any = None
        """The variable that somebody who goes through all of them has come to."""
        sys.addaudithook(self._hear)

    @contextmanager
    def watching(self, label: str) -> Iterator[None]:
        """Around an import, and all that it brings in."""
        self._thread = get_ident()
        with ExitStack() as stack:
            for change in (_note_environment, _note_stats, _note_imports, _note_chance, _note_calls):
                stack.enter_context(change(self))
            with self.scope(label):
                yield

    @contextmanager
    def scope(self, label: str) -> Iterator[None]:
        """Around the execution of a package."""
        is_standard = root(label) in sys.stdlib_module_names
        if self._stack and not is_standard:
            self._stack[-1].effects += self.world.effects()  # what the outer one has done up to here
        scope = Scope(label, variables())
        before, state = set(sys.modules), states()
        self._stack.append(scope)
        try:
            yield
        finally:
            self._stack.pop()
            if states(before) != state:
                scope.draws_by_chance = not is_standard
                random.setstate(state["random"])
            if len(sys.modules) != len(before):
                self._take_in(scope, before)
            scope.effects += self.world.effects() if not is_standard else ()
            if scope.modules:
                own = {id(module) for module in scope.modules.values()}
                scope.effects = [effect for effect in scope.effects if id(getattr(effect, "owner", None)) not in own]
                self.scopes.append(scope)
            elif self._stack:  # the name is that of something that was there
                outer = self._stack[-1]
                outer.uses |= scope.uses
                outer.absent |= scope.absent
                outer.effects += scope.effects
                outer.draws_by_chance |= scope.draws_by_chance
                outer.generators += scope.generators
                outer.reads_directory |= scope.reads_directory

    def _take_in(self, scope: Scope, before: set[str]) -> None:
        # What was there before and belongs to nobody yet is still being executed, further out.
        for name in [name for name in sys.modules if name not in self.by_module and name not in before]:
            module = sys.modules.get(name)
            self.by_module[name] = scope
            scope.modules[name] = module
            file = getattr(getattr(module, "__spec__", None), "origin", None) or getattr(module, "__file__", None)
            if isinstance(file, str):
                is_installed = root(name) not in sys.stdlib_module_names
                scope.has_extension |= is_installed and file.endswith(tuple(EXTENSION_SUFFIXES))
            parent, _, child = name.rpartition(".")
            owner = sys.modules.get(parent)
            is_attached = getattr(owner, "__dict__", {}).get(child) is module
            if is_attached and self.by_module.get(parent) is not scope:
                scope.effects.append(Set(owner, child, MISSING, module))
            if root(name) in sys.stdlib_module_names:
                self.world.add(module)
            elif "." not in name:
                self.world.add(module, deep=False)

    @property
    def current(self) -> Scope | None:
        """The scope that is being executed by the thread that imports."""
        return self._stack[-1] if self._stack and get_ident() == self._thread else None

    def begin_base(self) -> None:
        """What is imported by now is what each run has; only what comes later is watched."""
        base = Scope("", variables())
        for name, module in list(sys.modules.items()):
            self.by_module[name] = base
            if name not in ("__main__", "__mp_main__"):  # each run has its own
                base.modules[name] = module
            self.world.add(module, deep=root(name) in sys.stdlib_module_names or root(name) in ("pytest", "_pytest"))
        self.base = base

    # What is noted

    def note_file(self, path: Any, *, is_listed: bool = False) -> None:
        """A path was read, listed or asked about."""
        if type(path) is str and path in self.files and not is_listed:
            return  # torch asks 13,000 times
        scope = self.current
        if scope is None or isinstance(path, int):
            return
        with suppress(TypeError, ValueError):
            name = os.fsdecode(path) if path is not None else "."
            if not os.path.isabs(name):
                scope.reads_directory = True
            whole = _absolute(name)
            if not whole.startswith(("/proc/", "/dev/", "/sys/")):
                self.files[whole] = self.files.get(whole, False) or is_listed

    def note_whole(self, frame: FrameType | None) -> None:
        """The environment was read as a whole."""
        if self.current is not None:
            self.whole_environment.setdefault(_package_of(frame) or self.current.label, None)

    def note_chance(self, frame: FrameType | None) -> None:
        """Something was drawn by chance: it would be another in each process."""
        scope = self.current
        if scope is not None:
            package = root(_package_of(frame) or scope.label)
            if package not in sys.stdlib_module_names and package not in SEEDED:
                scope.draws_by_chance = True

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _HEARD or not self._stack:
            return  # of the 17,000 that an import of torch raises, 1,100 are of matter
        frame = sys._getframe(1)
        if event in AS_A_WHOLE:
            self.note_whole(frame)
        elif not _asks_for_module(frame) and (event in LISTED or _reads(*arguments)):
            self.note_file(arguments[0], is_listed=event in LISTED)


def _asks_for_module(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_globals.get("__name__") in _IMPORT_SYSTEM


def _reads(_: object, mode: object, flags: object) -> bool:
    """Whether a file is opened to be read, by the arguments of the audit event ``open``."""
    is_written = isinstance(mode, str) and not {*mode}.isdisjoint("wxa")
    return not is_written and not (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_CREAT))


def _package_of(frame: FrameType | None) -> str:
    """The module whose body is being executed where this is called from."""
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            return str(frame.f_globals.get("__name__", ""))
        frame = frame.f_back
    return ""


def _absolute(name: str) -> str:
    """Without ``os.getcwd``, which is watched."""
    return name if os.path.isabs(name) else os.path.normpath(os.path.join(os.readlink("/proc/self/cwd"), name))


@contextmanager
def _note_environment(watch: ImportWatch) -> Iterator[None]:
    """Who asks for a variable by its name, and who goes through all of them."""
    plain = type(os.environ)

    class Noting(plain):  # type: ignore[misc, valid-type]  # os._Environ, which has no public name
        def __getitem__(self, name: Any) -> Any:
            value = None
            try:
                value = super().__getitem__(name)
            finally:
                if watch.current is not None and isinstance(name, (str, bytes)) and name != watch.walked_to:
                    watch.read_variables.setdefault(os.fsdecode(name), None if value is None else os.fsdecode(value))
            return value

        def __iter__(self) -> Any:
            watch.note_whole(sys._getframe(1))
            for watch.walked_to in super().__iter__():
                yield watch.walked_to
            watch.walked_to = None

        def __len__(self) -> int:
            watch.note_whole(sys._getframe(1))
            length: int = super().__len__()
            return length

    both = (os.environ, os.environb)
    for each in both:
        each.__class__ = Noting
    try:
        yield
    finally:
        for each in both:
            each.__class__ = plain


@contextmanager
def _note_stats(watch: ImportWatch) -> Iterator[None]:
    """Questions about a file raise no audit event; nor does the one for the current directory."""

    def noting(real: Callable[..., Any]) -> Callable[..., Any]:
        def asked(path: Any, *arguments: Any, **more: Any) -> Any:
            if more.get("dir_fd") is None:
                watch.note_file(path)
            return real(path, *arguments, **more)

        return asked

    def directory() -> str:
        if watch.current is not None:
            watch.current.reads_directory = True
        return real_directory()

    real_directory = os.getcwd
    changed: dict[str, Any] = {name: noting(getattr(os, name)) for name in _STATS}
    with _changed(watch, os, {**changed, "getcwd": directory}), ExitStack() as stack:
        accessor = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)  # Python 3.10 has its own
        if accessor is not None:
            stack.enter_context(_changed(watch, accessor, {"stat": staticmethod(changed["stat"])}))
        for function in (os.stat, os.access, os.readlink):
            for known in (os.supports_follow_symlinks, os.supports_dir_fd, os.supports_effective_ids):
                known.add(function)
        yield
        for known in (os.supports_follow_symlinks, os.supports_dir_fd, os.supports_effective_ids):
            known.difference_update(changed.values())


@contextmanager
def _note_imports(watch: ImportWatch) -> Iterator[None]:
    """Which modules a package uses, those that were there too, and when another one begins."""
    real, real_module, modules = builtins.__import__, importlib.import_module, sys.modules

    @as_import_system
    def noting(
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002  # the names that __import__ has
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Any = (),
        level: int = 0,
    ) -> ModuleType:
        scope = watch.current
        if scope is None:
            return real(name, globals, locals, fromlist, level)
        if level or name in modules or root(name) in modules:
            found = real(name, globals, locals, fromlist, level)
        else:
            with watch.scope(name):
                found = real(name, globals, locals, fromlist, level)
        _note_use(scope, _resolved(name, globals, level) if level else name, fromlist or ())
        return found

    @as_import_system
    def noting_module(name: str, package: str | None = None) -> ModuleType:
        scope = watch.current
        if scope is None or name.startswith(".") or root(name) in modules:
            found = real_module(name, package)
        else:
            with watch.scope(name):
                found = real_module(name, package)
        if scope is not None:
            _note_use(scope, getattr(found, "__name__", name), ())
        return found

    last = _Last(watch)
    sys.meta_path.append(last)
    with (
        _changed(watch, builtins, {"__import__": noting}),
        _changed(watch, importlib, {"import_module": noting_module}),
    ):
        try:
            yield
        finally:
            sys.meta_path.remove(last)


class _Last:
    """A finder that is asked when all others have found nothing."""

    def __init__(self, watch: ImportWatch) -> None:
        self._watch = watch

    def find_spec(self, fullname: str, *_: object) -> None:
        if self._watch.current is not None:
            self._watch.current.absent.add(fullname)


def _note_use(scope: Scope, name: str, fromlist: Any) -> None:
    uses = scope.uses
    if name not in uses:
        uses.update(lineage(name))
    for part in fromlist:
        if isinstance(part, str) and f"{name}.{part}" in sys.modules:
            uses.add(f"{name}.{part}")


def _resolved(name: str, variables: Mapping[str, Any] | None, level: int) -> str:
    """The absolute name of what is imported by a name with so many dots before it."""
    package = str((variables or {}).get("__package__") or (variables or {}).get("__name__", ""))
    base = package.rsplit(".", level - 1)[0] if level > 1 else package
    return f"{base}.{name}" if name else base


@contextmanager
def _note_chance(watch: ImportWatch) -> Iterator[None]:
    """What an import draws by chance, and which generators it makes."""
    real_seed = random.Random.seed

    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        if a is None and watch.current is not None and not isinstance(self, random.SystemRandom):
            watch.current.generators.append(weakref.ref(self))
        real_seed(self, a, version)

    def noting(real: Callable[..., Any]) -> Callable[..., Any]:
        def drawn(*arguments: Any, **more: Any) -> Any:
            watch.note_chance(sys._getframe(1))
            return real(*arguments, **more)

        return drawn

    functions = {name: noting(getattr(os, name)) for name in ("urandom", "getrandom") if hasattr(os, name)}
    uuid = sys.modules.get("uuid")
    with ExitStack() as stack:
        stack.enter_context(_changed(watch, os, functions))
        stack.enter_context(_changed(watch, random, {"_urandom": functions["urandom"]}))
        stack.enter_context(_changed(watch, random.Random, {"seed": seed}))
        if uuid:
            stack.enter_context(_changed(watch, uuid, {"uuid1": noting(uuid.uuid1)}))
        yield


@contextmanager
def _note_calls(watch: ImportWatch) -> Iterator[None]:
    """What is to be called at the end, and codecs: a run that doesn't import the package has none of it."""

    def register(function: Any, /, *arguments: Any, **more: Any) -> Any:
        if watch.current is not None:
            watch.current.effects.append(Called(real, (function, *arguments), more, atexit.unregister))
        return real(function, *arguments, **more)

    def register_codec(search: Any, /) -> None:
        if watch.current is not None:
            watch.current.effects.append(Called(real_codec, (search,), {}, codecs.unregister))
        real_codec(search)

    real, real_codec = atexit.register, codecs.register
    with _changed(watch, atexit, {"register": register}), _changed(watch, codecs, {"register": register_codec}):
        yield


@contextmanager
def _changed(watch: ImportWatch, owner: Any, attributes: Mapping[str, Any]) -> Iterator[None]:
    """An object with other attributes, for a while."""
    before = {name: vars(owner)[name] for name in attributes if name in vars(owner)}
    for name in before:
        setattr(owner, name, attributes[name])
        watch.world.exempt.add((owner.__name__, name))
    try:
        yield
    finally:
        for name, value in before.items():
            if vars(owner).get(name) is attributes[name]:
                setattr(owner, name, value)
            else:
                watch.world.trouble = f"replaces {owner.__name__}.{name}"
