"""
Modules that load themselves in place at the first use of an attribute.

``import torch`` finds the module, and puts it into ``sys.modules`` without executing it. It is the module that
everybody gets, then and later: its code runs in it when somebody first asks for something that only its code can know.
``importlib.util.LazyLoader`` does as much for one import statement; a second one loads the module, and so does every
tool that looks at the names of a test file.
"""

from __future__ import annotations

import copy
import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader, SourcelessFileLoader
from operator import itemgetter
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any, SupportsIndex

from ..errors import add_note
from ..facts.distributions import locate
from ..facts.names import is_within, lineage, root
from ..facts.places import calling_line, within_modules
from ..imports.finder import is_from_import, is_import
from ..imports.keeper import KEEPER
from ..imports.loader import as_import_system, giving_spec
from ..imports.modules import is_initializing, put_in, take_away, take_fake, take_out
from .bytecode import bindings, replaces_itself
from .onlooking import is_onlooker

OURS = f"{__name__.partition('.')[0]}."
# Asked of every name in a test file, by pytest and others, to see whether it is a fixture, a mock, a test.
PROBES = frozenset(("_mock_name", "_mock_methods", "_pytestfixturefunction", "_spec_class"))
PROBING = frozenset(
    "_pytest.compat _pytest.doctest _pytest.fixtures _pytest.mark.structures _pytest.python _pytest.unittest "
    "doctest inspect unittest.loader".split()
)
HAS_LAZY_NAMES = sys.version_info >= (3, 15)
TELLING_DUNDERS = frozenset(("__version__", "__all__"))
WAKING = frozenset(("__dict__", "__doc__", "__annotations__"))
"""What each module has from the start, and its code fills in."""


class DeferredModule(ModuleType):
    """A module that was found, and not executed yet."""

    is_deferred = True

    def __getattribute__(self, name: str) -> Any:
        __tracebackhide__ = True
        if name in WAKING:
            asker, deferred = sys._getframe(1), _DEFERRED[id(self)]
            if not _is_quiet(asker) and not deferred.is_watched_by(asker):
                deferred.usable()
        elif not _is_dunder(name) and _DEFERRED[id(self)].is_loading_elsewhere():
            _DEFERRED[id(self)].load()
        if HAS_LAZY_NAMES and not _is_dunder(name) and name not in ModuleType.__getattribute__(self, "__dict__"):
            # "lazy from torch import Tensor" was executed: ModuleType would look for a part of that name, and a part
            # beats what the package's own code binds, which has not been executed yet.
            raise AttributeError(name, name=name, obj=self)
        return ModuleType.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        asker = sys._getframe(1)
        deferred = _DEFERRED[id(self)]
        is_half = deferred.is_loading_here()
        if is_half or (not is_from_import(asker) and _is_probe(name, asker, deferred)):
            half = "partially initialized " if is_half else ""
            raise AttributeError(f"{half}module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        if not is_from_import(asker) and deferred.is_watched_by(asker):
            told = "before its first use (heavy_defer): who looks at all modules doesn't use it"
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} {told}")
        if is_from_import(asker) and deferred.deferral.is_submodule(self, name):
            return importlib.import_module(f"{self.__name__}.{name}")
        module = deferred.load()
        # Not by way of this method again: where threads wait for each other, it may be half done still.
        return ModuleType.__getattribute__(self, name) if module is self else getattr(module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        __tracebackhide__ = True
        # What importlib does to the modules that it makes is no use of them.
        is_part = isinstance(value, ModuleType) and value.__name__ == f"{self.__name__}.{name}"
        deferred = _DEFERRED[id(self)]
        if is_part and not deferred.has_begun and deferred.deferral.is_bound(self, name):
            return  # the package will bind the name to something else
        asker = sys._getframe(1)
        is_handled = is_part or (_is_dunder(name) and _is_quiet(asker)) or deferred.is_watched_by(asker)
        module = self if is_handled else deferred.usable()
        if module is self:
            ModuleType.__setattr__(self, name, value)
        else:
            setattr(module, name, value)

    def __delattr__(self, name: str) -> None:
        __tracebackhide__ = True
        deferred = _DEFERRED[id(self)]
        module = self if deferred.is_watched_by(sys._getframe(1)) else deferred.usable()
        if module is self:
            ModuleType.__delattr__(self, name)
        else:
            delattr(module, name)

    def __dir__(self) -> list[str]:
        __tracebackhide__ = True
        deferred = _DEFERRED[id(self)]
        module = self if deferred.is_watched_by(sys._getframe(1)) else deferred.usable()
        return list(ModuleType.__dir__(self)) if module is self else dir(module)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """Hand it to the pickler, or to ``copy``, once more: some know what to do with a module, by its type."""
        __tracebackhide__ = True
        module = _DEFERRED[id(self)].usable()
        if isinstance(module, DeferredModule):
            return ModuleType.__reduce_ex__(self, protocol)
        return itemgetter(0), ((module,),)

    def __init_subclass__(cls) -> None:
        # "class Derived(type(module))": nothing is known of its instances here.
        cls.__bases__ = tuple(ModuleType if base is DeferredModule else base for base in cls.__bases__)


class Deferred:
    """What is known of a deferred module."""

    def __init__(self, module: ModuleType, deferral: Deferral, place: tuple[str, int]) -> None:
        self.module = module
        self.deferral = deferral
        self.place = place
        """File and line of the import that was put off, for the note on an error of its late execution."""
        self.error: Exception | None = None
        """What its code has raised: whoever uses it gets that, each time."""
        self.has_begun = False
        """Whether importlib is about to execute it, or has."""
        self.is_executed = False
        self.replacement: Any = None
        """What its code has put in its place."""
        self._traceback: TracebackType | None = None
        """Of the error when it was first raised: each time that it is raised adds frames."""
        self._thread: int | None = None
        """The thread that executes it now."""

    def is_loading_here(self) -> bool:
        """Whether it is the module's own code, or what that calls, that asks."""
        return self._thread == threading.get_ident()

    def is_loading_elsewhere(self) -> bool:
        """Whether another thread executes it now."""
        return self._thread not in (None, threading.get_ident())

    def is_watched_by(self, asker: FrameType) -> bool:
        """Whether nobody executes it yet, and one asks who has no use of it."""
        return not self.is_executed and self._thread is None and is_onlooker(asker, self.module.__name__)

    def usable(self) -> Any:
        """As :meth:`load`, but for the module's own code, while it is executed, the module as it is."""
        __tracebackhide__ = True
        return self.module if self.is_loading_here() else self.load()

    def load(self) -> Any:
        """The module, executed; another object where it has put one in its own place."""
        __tracebackhide__ = True
        fullname = self.module.__name__
        if self.error is None and not self.is_executed:
            self.deferral.load(fullname)
            self._wait()
        if self.error is not None:
            raise self.error.with_traceback(self._traceback)
        if self.replacement is not None:
            return self.replacement
        # After the session, when nobody loads it in place any more, the module that everybody has then.
        found = None if self.is_executed else sys.modules.get(fullname)
        return self.module if found is None else found

    def _wait(self) -> None:
        """
        Wait for the thread that executes it, as importlib does once it has marked the module as being initialised.

        Between its creation and that mark, importlib takes it for a whole one. Where the mark is there and importlib
        doesn't wait, two threads would wait for each other.
        """
        for _ in range(1000):
            is_there = sys.modules.get(self.module.__name__) is self.module
            if self.is_executed or self.error is not None or not (self.has_begun and is_there):
                break
            is_marked = is_initializing(self.module)
            importlib.import_module(self.module.__name__)
            if is_marked:
                break
            time.sleep(0.001)

    def execute(self, loader: Any) -> None:
        """Execute the module by its own loader."""
        self._thread = threading.get_ident()
        try:
            loader.exec_module(self.module)
        except Exception as error:
            if type(error).__name__ != "_DeadlockError":  # importlib's, of two threads that wait for each other
                self.fail(error)
            raise
        finally:
            self._thread = None
        self.deferral.executed(self.module.__name__)
        self.is_executed = True
        # One like any other from now on, unless its code has put another one in its place, or made another class of it.
        found = sys.modules.get(self.module.__name__)
        self.replacement = None if found is self.module else found
        if self.replacement is None and object.__getattribute__(self.module, "__class__") is DeferredModule:
            self.module.__class__ = ModuleType

    def fail(self, error: Exception) -> None:
        """Its import has failed: everybody who uses it gets the error."""
        self.error, self._traceback = error, within_modules(error.__traceback__)
        file, line = self.place
        add_note(error, f"{self.module.__name__!r} was imported at {file}:{line}, and first used now (heavy_defer).")


_DEFERRED: dict[int, Deferred] = {}
"""By the module's id. A module outlives the session that has deferred it."""


class Deferral:
    """The finder that defers, to be put before all others in ``sys.meta_path``."""

    def __init__(self) -> None:
        self._packages: frozenset[str] = frozenset()
        """Whose imports are put off, with all that lies in them."""
        self._roots: frozenset[str] = frozenset()
        """Their top-level names, so that the import of anything else costs one look."""
        self._begun: set[str] = set()
        """Packages of which something was used: from then on imports of their parts are done at once."""
        self._found: dict[str, Deferred] = {}
        """Every module that was deferred, by name, for the life of this finder: the object that everybody has."""
        self._lock = threading.RLock()
        """Around what must not come between two looks at ``sys.modules``; never held while a module is executed."""
        self._thread = threading.local()
        """``is_asking``: whether this thread asks the other finders, of which one may ask this one."""
        self._bound: dict[str, dict[str, bool]] = {}
        """By module: the names that its code binds, read from the bytecode once."""

    def defer(self, packages: Sequence[str]) -> None:
        """From now on, put off imports of these packages and of their parts; not of those of an outer session."""
        outer = [other for other in sys.meta_path if isinstance(other, Deferral) and other is not self]
        self._packages = frozenset(name for name in packages if not any(each.defers(name) for each in outer))
        self._roots = frozenset(map(root, self._packages))

    def defers(self, fullname: str) -> bool:
        """Whether imports of the module are put off."""
        return self._package_of(fullname) is not None

    def puts_off_names(self, importer: str, fullname: str, names: Sequence[str]) -> bool:
        """
        Whether names that *importer* takes from the module may wait for their use; see :mod:`.lazy_names`.

        A part is put off as a module. Python would give the part to everybody who asks the package for that name,
        where the package itself has a ``__getattr__`` that gives something else.
        """
        package = self._package_of(fullname)
        if package is None or is_within(importer, package) or self._is_begun(package):
            return False
        return not any(locate(f"{fullname}.{name}") for name in names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Reference: "The meta path" in Python's language reference."""
        package = self._package_of(fullname)
        if package is None or getattr(self._thread, "is_asking", False):
            return None
        if isinstance(target, DeferredModule):
            _DEFERRED[id(target)].load()  # a reload of what has never run
            return None
        if not is_import(sys._getframe(1)):
            return None  # somebody only asks
        deferred = self._found.get(fullname)
        if self._is_begun(package):
            return self._in_place(fullname, path, deferred) if deferred else None
        if deferred:
            return giving_spec(fullname, deferred.module.__spec__, lambda: deferred.module)
        return self._put_off(fullname, package, path, target)

    def load(self, fullname: str) -> None:
        """Import a deferred module for real; the first time with all others of its package that were asked for."""
        __tracebackhide__ = True
        package = self._package_of(fullname) or fullname
        with self._lock:
            is_first = package not in self._begun
            self._begun.add(package)
        if not is_first:
            if fullname != package and package in self._found:
                self._found[package].usable()  # another thread may be at it: importlib would go on with half a package
            self._import(fullname)
            return
        self._import(package)
        for deferred in self._waiting(package):
            try:
                deferred.load()
            except Exception:
                if deferred.module.__name__ == fullname:
                    raise

    def executed(self, fullname: str) -> None:
        """A module has been executed: its parts that were asked for, and that it hasn't imported, are there again."""
        with self._lock:
            put_in({each.module.__name__: each.module for each in self._waiting(fullname)})

    def is_submodule(self, package: ModuleType, name: str) -> bool:
        """Whether ``from package import name`` gives a module that can be deferred, for all that can be seen."""
        fullname = f"{package.__name__}.{name}"
        if self.is_bound(package, name):
            return False
        if fullname in sys.modules:
            return isinstance(sys.modules[fullname], DeferredModule)
        spec = self._find_part(package, name)
        if spec is None or not _is_deferrable(spec):
            return False
        bound = self._bindings(package)
        # scipy gives its parts by __getattr__. One may give a function of the same name in the part.
        is_asked = "__getattr__" in bound and name not in bound
        return not (is_asked and self._bindings_of(spec).get(name))

    def is_bound(self, package: ModuleType, name: str) -> bool:
        """Whether the package's code binds *name* to something else than its part of that name, or may do so."""
        bound = self._bindings(package)
        return bound[name] if name in bound else self._is_bound_by_star(bound, name, {package.__name__})

    def has_own(self, module: ModuleType, name: str) -> bool:
        """Whether a module will have an attribute, ``torch.__config__``: its code binds it, or it is a part."""
        try:
            return name in self._bindings(module) or self._find_part(module, name) is not None
        except (ImportError, OSError, SyntaxError):
            return False  # its code can't be read, which is told to whoever uses it

    def close(self) -> None:
        """The session is over: what was never used is taken out, and the next import is one like any other."""
        self.defer(())
        take_out({name: deferred.module for name, deferred in self._found.items() if not deferred.is_executed})

    def _import(self, fullname: str) -> None:
        __tracebackhide__ = True
        with self._lock:
            waiting = {each.module.__name__: each.module for each in self._waiting(fullname)}
            # Its parts with it, and off it, so that it can import them itself. Its parent must not be without it.
            take_out({name: waiting[name] for name in waiting if name != fullname})
            take_out({name: waiting[name] for name in waiting if name == fullname}, is_attribute=False)
            deferred = self._found.get(fullname)
            if deferred and fullname in waiting:
                deferred.has_begun = True  # from now on nobody puts it in but importlib
            put_back = take_fake(fullname, deferred.module) if deferred else take_away([])
        try:
            importlib.import_module(fullname)
        except BaseException:
            if deferred and deferred.error is None and not deferred.is_executed:
                deferred.has_begun = False  # it was interrupted, and may be tried again
            raise
        finally:
            put_back()

    def _waiting(self, fullname: str) -> list[Deferred]:
        """The module and its parts, so far as they were deferred and nobody executes them yet."""
        return [each for name, each in list(self._found.items()) if is_within(name, fullname) and not each.has_begun]

    def _package_of(self, fullname: str) -> str | None:
        if root(fullname) not in self._roots:
            return None  # asked for every import there is
        return next((name for name in lineage(fullname) if name in self._packages), None)

    def _is_begun(self, package: str) -> bool:
        """Whether the package is loaded, or being loaded, or has been once; or a fake is in its place."""
        if package in self._begun or package in KEEPER.kept:
            return True
        return package in sys.modules and not isinstance(sys.modules[package], DeferredModule)

    def _put_off(
        self, fullname: str, package: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        spec = self._ask_others(fullname, path, target, is_raw=True)
        if spec is None and fullname == package:
            return None
        if spec is None or not _is_deferrable(spec) or (fullname != package and replaces_itself(_code(spec))):
            return self._at_once(fullname, package)
        answer = copy.copy(spec)
        answer.loader = DeferringLoader(spec.loader, self._keep)  # type: ignore[assignment]  # a duck
        return answer

    def _at_once(self, fullname: str, package: str) -> ModuleSpec | None:
        """A part that can't be deferred, such as an extension module, or one that the package makes: that is loaded."""
        if package != fullname:
            self.load(package)
        module = sys.modules.get(fullname)
        if module is None:
            return None
        # The package has brought it in. importlib, which looks for it still, would execute it again.
        take_out({fullname: module})
        return giving_spec(fullname, module.__spec__, lambda: module)

    def _keep(self, module: ModuleType) -> None:
        module.__class__ = DeferredModule
        _DEFERRED[id(module)] = self._found[module.__name__] = Deferred(module, self, calling_line())

    def _in_place(self, fullname: str, path: Sequence[str] | None, deferred: Deferred) -> ModuleSpec | None:
        if deferred.is_executed or deferred.error is not None:
            return None  # what becomes of a second time is not our business
        spec = self._ask_others(fullname, path, None, is_raw=False)
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return None
        if deferred.is_loading_here() and spec.origin != getattr(deferred.module.__spec__, "origin", None):
            return spec  # what cv2 imports by its own name is its shared library
        answer = copy.copy(spec)
        answer.loader = InPlaceLoader(spec.loader, deferred)  # type: ignore[assignment]  # a duck
        return answer

    def _ask_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None, *, is_raw: bool
    ) -> ModuleSpec | None:
        """The spec that the other finders give; *is_raw* leaves out ours, which would take note."""
        self._thread.is_asking = True
        try:
            for finder in _others(is_raw=is_raw):
                spec: ModuleSpec | None = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return spec
        finally:
            self._thread.is_asking = False
        return None

    def _find_part(self, module: ModuleType, name: str) -> ModuleSpec | None:
        path = module.__spec__ and module.__spec__.submodule_search_locations
        return self._ask_others(f"{module.__name__}.{name}", list(path), None, is_raw=True) if path else None

    def _is_bound_by_star(self, bound: Iterable[str], name: str, seen: set[str]) -> bool:
        """Whether ``from module import *`` binds a name, or may do so since the code of that one can't be read."""
        for star in [each[1:] for each in bound if each[:1] == "*" and each[1:] not in seen]:
            seen.add(star)
            parent = sys.modules.get(star.rpartition(".")[0])
            spec = self._find_part(parent, star.rpartition(".")[2]) if parent else None
            if spec is None or not _is_deferrable(spec):
                return True
            inner = self._bindings_of(spec)
            if name in inner or self._is_bound_by_star(inner, name, seen):
                return True
        return False

    def _bindings(self, module: ModuleType) -> Mapping[str, bool]:
        assert module.__spec__ is not None  # the import system has set it
        return self._bindings_of(module.__spec__)

    def _bindings_of(self, spec: ModuleSpec) -> Mapping[str, bool]:
        if spec.name not in self._bound:
            package = spec.name if spec.submodule_search_locations is not None else spec.name.rpartition(".")[0]
            self._bound[spec.name] = dict(bindings(_code(spec), package))
        return self._bound[spec.name]


class DeferringLoader:
    """Makes a module, and leaves it at that."""

    def __init__(self, loader: Any, keep: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._keep = keep

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None  # the import system sets it before it calls us
        module.__spec__.loader = module.__loader__ = self._loader
        self._keep(module)


class InPlaceLoader:
    """Executes a deferred module, in the module that everybody has."""

    def __init__(self, loader: Any, deferred: Deferred) -> None:
        self._loader = loader
        self._deferred = deferred

    def create_module(self, spec: ModuleSpec) -> Any:
        made = self._loader.create_module(spec)  # or the guard says why not
        self._deferred.has_begun = True
        return self._deferred.module if made is None else made

    @as_import_system
    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._deferred.execute(self._loader)


def is_deferred(module: object) -> bool:
    """Whether a module has been found, and not executed yet."""
    return isinstance(module, DeferredModule)


def load(module: Any) -> Any:
    """The module, executed; whatever is no deferred module as it is."""
    __tracebackhide__ = True
    deferred = _DEFERRED.get(id(module))
    return deferred.load() if deferred and deferred.module is module else module


def _others(*, is_raw: bool) -> Iterator[Any]:
    for finder in list(sys.meta_path):
        is_ours = isinstance(finder, Deferral) or (is_raw and getattr(finder, "wraps_loaders", False))
        if hasattr(finder, "find_spec") and not is_ours:
            yield finder


def _is_deferrable(spec: ModuleSpec) -> bool:
    """Whether the module is Python code in a file: what C code does when it makes a module can't be put off."""
    return type(spec.loader) in (SourceFileLoader, SourcelessFileLoader)


def _code(spec: Any) -> CodeType | None:
    code: CodeType | None = spec.loader.get_code(spec.name)
    return code


def _is_dunder(name: str) -> bool:
    return name[:2] == name[-2:] == "__"


def _is_probe(name: str, asker: FrameType, deferred: Deferred) -> bool:
    """Whether somebody only looks for what a module rarely has, and this one hasn't, for all that can be seen."""
    if name in TELLING_DUNDERS:
        return False
    if name in PROBES or asker.f_globals.get("__name__") in PROBING:
        return True
    return _is_dunder(name) and not deferred.deferral.has_own(deferred.module, name)


def _is_quiet(asker: FrameType) -> bool:
    """Whether one asks who handles modules: importlib, and we."""
    return str(asker.f_globals.get("__name__")).startswith(("importlib.", "_frozen_importlib", OURS))
