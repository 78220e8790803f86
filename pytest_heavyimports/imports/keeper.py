"""
Strong references to modules that can't be initialised twice. With ``modules.py`` the writer of ``sys.modules``.

What is kept stays kept for the life of the process, as the C state behind it does: one keeper serves every session.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from operator import is_, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from ..errors import add_note, initialised_elsewhere
from ..facts.names import is_within, lineage, root
from ..facts.places import within_modules
from .elsewhere import is_elsewhere, mapped_extensions
from .modules import declared_spec, holds, in_place, is_extension, is_finished, is_namespace, is_real, is_stand_in

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import TracebackType

    from ..facts.places import Place


class Half(NamedTuple):
    """A first import that failed and left finished submodules behind, attached to a package that is gone."""

    error: BaseException
    traceback: TracebackType | None
    place: Place
    is_elsewhere: bool = False
    """Whether another interpreter of this process had it first, so that nobody here is to blame."""


class _Thread:
    """Lives as long as a thread of Python's. Its number is given to a later one, and nobody tells which are alive."""


class _Here(threading.local):
    """This thread."""

    def __init__(self) -> None:
        self.thread = _Thread()


class Keeper:
    """Modules by name: kept ones, those that are being executed, and those that will never be whole."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        """Every module of a protected package that has been executed to its end."""
        self._forgotten = 0
        self.half: dict[str, Half] = {}
        """By the name of the package that is gone."""
        self._executing: dict[str, Any] = {}
        """Protected modules whose code runs now: one that is taken away meanwhile is given back as it is."""
        self._failed: list[tuple[str, BaseException]] = []
        """What has failed inside of the outermost import, with the error by which the package that is gone is known."""
        self._tried: set[str] = set()
        """Packages, by their first names, that were imported in this interpreter, or failed."""
        self._counted = 0
        """How many modules there were at the last look of :meth:`_follow`, which looks at the newer ones alone."""
        self._specs: dict[str, ModuleSpec | None] = {}
        """Of kept modules, as they were kept: an import that is given one back overwrites the module's own."""
        self._relatives: dict[str, dict[str, Any]] = {}
        """By the module that was imported: what came in with it and is no part of its package, as sympy with torch."""
        self._bringers: dict[str, str] = {}
        """The same the other way round: who has brought in each of those."""
        self._beside: dict[str, dict[str, Any]] = {}
        """What was there before a module was imported, by its own name and that module's: it may use that."""
        self._awaited: dict[str, ref[_Thread]] = {}
        """Modules that importlib is about to put in, each by the thread that waits for it; see :meth:`await_import`."""
        self._here = _Here()
        self._parts: dict[str, dict[str, str]] = {}
        """By package: its kept parts, by the attribute that each is of it."""
        self._all: tuple[Callable[[Mapping[str, Any]], tuple[Any, ...]], tuple[Any, ...]] | None = None
        """How to look up everything that is kept in one call, and what that gives; ``None`` where that has changed."""
        self._lock = threading.RLock()

    # What is there

    @property
    def generation(self) -> int:
        """A number that grows whenever a module is kept, or kept no longer."""
        return len(self.kept) + self._forgotten

    def find(self, fullname: str) -> Any:
        """
        The module to hand out for a name that is missing from ``sys.modules``; ``None`` where it must be loaded.

        That is a kept module; one that is being executed, and was taken away meanwhile; or one that came with a kept
        module, and was taken away with it.
        """
        module = self.kept.get(fullname)
        if module is None:
            module = self._executing.get(fullname)
        if module is None and fullname in self._bringers and root(fullname) not in sys.stdlib_module_names:
            bringer = self._bringers[fullname]
            if self.is_displaced(bringer):
                module = self._relatives[bringer][fullname]
        if module is None and fullname in self._beside:
            displaced = [bringer for bringer in self._beside[fullname] if self.is_displaced(bringer)]
            module = self._held_beside([fullname], displaced).get(fullname)
        return module

    def _held_beside(self, names: Iterable[str], bringers: Collection[str]) -> dict[str, Any]:
        """
        Those that were there before one of these was imported, and that its modules hold something of.

        Where they are missing as well, they must come back with it: executed again, they would have other classes.
        """
        held = {}
        for name in names:
            for bringer in self._beside[name].keys() & set(bringers):
                family = [kept for each, kept in list(self.kept.items()) if is_within(each, bringer)]
                if any(holds(kept, (name,)) for kept in family):
                    held[name] = self._beside[name][bringer]
                    self._has_part(name)
        return held

    def being_executed(self, fullname: str) -> Any:
        """The module of that name that is being executed, or ``None``."""
        return self._executing.get(fullname)

    def spec(self, fullname: str) -> ModuleSpec | None:
        """The spec that a kept module had when it was kept."""
        return self._specs.get(fullname) or getattr(self.find(fullname), "__spec__", None)

    def is_new(self, fullname: str, before: int) -> bool:
        """Whether a module has been kept since *before*, when there were so many."""
        return fullname in islice(list(self.kept), before, None)

    def is_displaced(self, fullname: str) -> bool:
        """Whether a kept module is missing from ``sys.modules``, or something else is in its place."""
        return fullname in self.kept and sys.modules.get(fullname) is not self.kept[fullname]

    def displaced(self) -> dict[str, Any]:
        """Every kept module that is displaced, with what is :func:`in_place` of it."""
        if self._are_all_in_place():
            return {}
        kept, modules, found = self.kept, sys.modules, sys.modules.get
        return {
            name: in_place(name) if name in modules else None
            for name in list(kept)
            if found(name) is not kept.get(name)
        }

    def _are_all_in_place(self) -> bool:
        """The look at every kept module, once a test or more: at the speed of C, by identity, no fake is asked."""
        if not self.kept:
            return True
        known = self._all
        if known is None:
            with self._lock:
                known = self._all = itemgetter("sys", *self.kept), (sys, *self.kept.values())
        look_up, modules = known
        try:
            return all(map(is_, look_up(sys.modules), modules))
        except KeyError:
            return False

    def family(self, fullname: str) -> str:
        """
        The package whose kept modules belong together with *fullname*: the outermost that is kept or being executed.

        Not the top-level name: ``opentelemetry`` and ``google`` are shared by distributions that know nothing of each
        other, and of somebody's own package a part alone may be protected.
        """
        family = fullname
        for name in lineage(fullname):
            if name in self.kept or name in self._executing:
                family = name
        return family

    def families(self) -> dict[str, set[str]]:
        """The names of all kept modules, by family."""
        families: dict[str, set[str]] = {}
        for name in list(self.kept):
            families.setdefault(self.family(name), set()).add(name)
        return families

    def is_held_outside(self, names: Collection[str], *, but: Collection[str]) -> bool:
        """Whether a kept module holds something of these, *but* for some."""
        return any(name not in but and holds(module, names) for name, module in list(self.kept.items()))

    def relatives(self, names: Collection[str]) -> list[str]:
        """What came with these, or is put back with them."""
        beside = [name for name, bringers in self._beside.items() if not bringers.keys().isdisjoint(names)]
        return [*beside, *(name for each in names for name in self._relatives.get(each, {}))]

    # What is kept

    def adopt(self, names: Iterable[str]) -> None:
        """Keep what was loaded while nobody watched, unless it is being executed or a fake."""
        for name in names:
            module = sys.modules.get(name)
            is_new = name not in self.kept and name not in self._executing and module is not None
            if is_new and is_real(name, module) and is_finished(module):
                self.keep(name, module)

    def keep(self, fullname: str, module: Any) -> None:
        """Keep a module that is whole."""
        with self._lock:
            self._specs[fullname] = declared_spec(module)
            self.kept[fullname] = module
            self._all = None
            self._has_part(fullname)

    def _has_part(self, fullname: str) -> None:
        package, _, child = fullname.rpartition(".")
        self._parts.setdefault(package, {})[child] = fullname

    def executing(self, fullname: str, module: Any) -> AbstractContextManager[object]:
        """To be entered while a protected module is executed; it is kept at the end, one that fails isn't."""
        if sys.modules.get(fullname) is not module and is_finished(module):
            return nullcontext()  # a copy of somebody's own, by spec.loader.exec_module
        return _Execution(self, fullname, module)

    @contextmanager
    def attaching(self, package: str, module: Any) -> Iterator[None]:
        """Around the execution of a package that is not kept: what is there of its parts becomes its attributes."""
        yield
        for child, name in list(self._parts[package].items()):
            if name in sys.modules and sys.modules[name] is self._given(name):
                vars(module).setdefault(child, sys.modules[name])

    def has_parts(self, package: str) -> bool:
        """Whether modules lie directly in this package that are put back when they are missing."""
        return package in self._parts

    def _given(self, fullname: str) -> Any:
        """What is put back for a name, itself or with others; ``None`` where nothing is."""
        module = self.kept.get(fullname)
        if module is None:
            module = self._relatives.get(self._bringers.get(fullname, ""), {}).get(fullname)
        if module is None and self._beside.get(fullname):
            module = next(reversed(self._beside[fullname].values()))
        return module

    def begin(self, fullname: str, module: Any) -> None:
        """A module of a protected package is about to be executed."""
        self._executing[fullname] = module
        if fullname in self._parts:  # kept since an attempt that has failed: they were attributes of what it had made
            with self._lock:
                for child, name in self._parts[fullname].items():
                    if name in self.kept:
                        module.__dict__.setdefault(child, self.kept[name])
        if len(sys.modules) == self._counted + 1:
            self._counted += 1  # the module itself, as a rule
        else:
            self._follow(fullname)

    def end(self, fullname: str, module: Any, error: BaseException | None) -> None:
        """It was executed, to its end where there is no *error*."""
        if error is not None:
            self._failed.append((fullname, error))
        self._executing.pop(fullname, None)
        if error is not None:
            return
        # A module may put something else in its own place, and another thread may have taken it or its parent away.
        present = sys.modules.get(fullname)
        self.keep(fullname, module if present is None else present)
        self._follow(fullname)
        package, _, child = fullname.rpartition(".")
        # Importlib will do this next, unless another thread takes the package away at this very moment.
        namespace = getattr(self.find(package), "__dict__", {})
        namespace.setdefault(child, self.kept[fullname])
        for name in (fullname, package):
            if name not in sys.modules and (found := self.find(name)) is not None:
                self._restore({name: found})

    def _follow(self, fullname: str) -> None:
        """
        Keep up with ``sys.modules`` while a package is imported, for another thread may purge it meanwhile.

        C code puts modules there that no finder sees, such as ``torch._C._dynamo``: taken away before they are kept,
        nobody can load them again. Called for every module of a heavy package: only the newest entries are looked at.
        """
        new = len(sys.modules) - self._counted
        package = self.family(fullname)
        if new < 0:
            self.give_back(fullname)
        elif new > 0:
            try:
                newest = list(islice(reversed(sys.modules), new + 1))
            except RuntimeError:  # changed by another thread meanwhile
                newest = list(sys.modules)
            for name in newest:
                if name not in self.kept and name not in self._executing and is_within(name, package):
                    module = sys.modules.get(name)
                    if module is not None and is_finished(module) and is_real(name, module):
                        self.keep(name, module)
        self._counted = len(sys.modules)

    @contextmanager
    def importing(self, fullname: str, place: Place, *, comes_with: Callable[[str, Any], bool]) -> Iterator[None]:
        """
        Around the outermost import of a protected module.

        Args:
            fullname: Its name.
            place: Where it is imported; remembered where the import fails half-way.
            comes_with: Told the name and the module of what else came in. Whether it shall come back with *fullname*.
        """
        before = set(sys.modules)
        family = self.family(fullname)
        mapped = frozenset() if self._is_known(fullname) else mapped_extensions()
        try:
            yield
        except BaseException as error:
            # A package on the way may be the one that is gone. What failed inside and was caught there doesn't count.
            failed = [fullname, *(name for name, inner in self._failed if inner is error)]
            elsewhere = [name for name in failed if not self._is_known(name) and is_elsewhere(root(name), mapped)]
            for name in elsewhere:
                add_note(error, initialised_elsewhere(root(name)))
            self._tried.update(map(root, failed))
            for gone in failed:
                if self._is_half(gone, before, fullname):
                    self.half[gone] = Half(error, within_modules(error.__traceback__), place, bool(elsewhere))
            raise
        finally:
            self._failed.clear()
        relatives = self._relatives.setdefault(fullname, {})
        for name, module in sys.modules.copy().items():
            if name in self.kept or name in self._executing or module is None:
                continue
            if name in before:
                is_another = fullname == family and root(name) not in sys.stdlib_module_names
                if is_another and is_real(name, module) and comes_with(name, module):  # a fake is not to come back
                    self._beside.setdefault(name, {}).setdefault(fullname, module)
                continue
            if not is_finished(module) or is_stand_in(module):
                continue  # another thread is at it; or it is no part of anything
            if is_within(name, family):
                # Put there by C code, or by the package itself: no finder has seen it. It is the package's own whatever
                # it looks like, as it was not there before: cv2.utils.fs has no spec, and is no part of an extension.
                self.keep(name, module)
            elif name not in self._bringers and not is_namespace(module) and comes_with(name, module):
                relatives[name] = module
                self._bringers[name] = fullname
                self._has_part(name)

    def _is_known(self, fullname: str) -> bool:
        """Whether the package that a module lies in was imported before in this interpreter, or has failed."""
        return root(fullname) in self.kept or root(fullname) in self._tried

    def _is_half(self, gone: str, before: Collection[str], outermost: str) -> bool:
        """
        Whether the import of a package that is *gone* has left parts behind, so that it can't be tried again.

        It can where another thread is at one of the parts, which was seen half done, and no shared library is among
        them: so plain Python is at the next attempt. What this thread was at is over, but for the *outermost* module.
        """
        left = [name for name in list(sys.modules) if is_within(name, gone) and name not in before]
        is_race = any(is_within(name, gone) and name != outermost for name in list(self._executing))
        return bool(left) and not (is_race and not any(is_extension(sys.modules.get(name)) for name in left))

    # What is put back

    def give_back(self, fullname: str) -> None:
        """Put back what is missing of the package that *fullname* belongs to, and what came with it."""
        top = self.family(fullname)
        within = f"{top}."
        present = sys.modules
        missing = {
            name: self.kept[name]
            for name in list(self.kept)  # names alone: a tuple for each would have the garbage collector walk torch
            if name not in present and (name.startswith(within) or name == top)
        }
        self._restore(missing)
        for bringer, relatives in list(self._relatives.items()):
            if self.family(bringer) == top:
                missing |= self._restore_missing(relatives)
        self._attach(missing | self._restore_beside([top]))

    def put_back(self, names: Iterable[str]) -> None:
        """Put kept modules back, in the place of whatever is there; what is there for a name not kept is dropped."""
        names = list(names)
        kept = {name: self.kept[name] for name in names if name in self.kept}
        self._restore(kept)
        put = dict(kept)
        for name in names:
            if name in kept:
                put |= self._restore_missing(self._relatives.get(name, {}))
            else:
                sys.modules.pop(name, None)
        self._attach(put | self._restore_beside(kept))

    def await_import(self, fullname: str) -> None:
        """
        Leave the putting in of a module to importlib, which looks for it in this thread, until :meth:`arrived`.

        A module that another thread puts there meanwhile, importlib takes for one that was imported on the way: it goes
        by the module's own spec and not by what a finder has said, and executes it again.

        Reference: ``_find_spec`` in ``importlib/_bootstrap.py``.
        """
        with self._lock:
            self._awaited[fullname] = ref(self._here.thread)
            if fullname in sys.modules and sys.modules[fullname] is self.find(fullname):
                del sys.modules[fullname]

    def arrived(self, fullname: str) -> None:
        """Importlib goes by what the finder has said."""
        self._awaited.pop(fullname, None)

    def forget(self, names: Collection[str]) -> None:
        """Keep modules no longer: executed under a stand-in, which they have taken from, or to be executed again."""
        with self._lock:
            self._all = None
            self._forgotten += len(self.kept.keys() & set(names)) + 1
            for name in names:
                for known in (self.kept, self.half, self._specs, self._relatives, self._bringers, self._beside):
                    known.pop(name, None)
                package, _, child = name.rpartition(".")
                self._parts.get(package, {}).pop(child, None)
        for known in (*self._relatives.values(), *self._beside.values()):
            for name in known.keys() & set(names):
                del known[name]

    def _restore_beside(self, bringers: Collection[str]) -> dict[str, Any]:
        gone = [name for name in self._beside if name not in sys.modules]
        return self._restore_missing(self._held_beside(gone, bringers) | self._packages_of(bringers, gone))

    def _packages_of(self, parts: Collection[str], gone: Collection[str]) -> dict[str, Any]:
        """The namespace packages that parts lie in, where they are *gone*: a new one would lack the parts."""
        lying = [(package, name) for name in parts for package in lineage(name) if package in gone]
        return {package: self._beside[package][name] for package, name in lying if name in self._beside[package]}

    def _restore_missing(self, modules: dict[str, Any]) -> dict[str, Any]:
        missing = {name: module for name, module in modules.items() if name not in sys.modules}
        self._restore(missing)
        return missing

    def _restore(self, modules: dict[str, Any]) -> None:
        with self._lock:
            nobody = (None, self._here.thread)  # the thread has ended, or it is this one
            awaited = [name for name, thread in list(self._awaited.items()) if thread() not in nobody]
            sys.modules.update({name: module for name, module in modules.items() if name not in awaited})

    def _attach(self, names: Collection[str]) -> None:
        """Put back the attributes that are modules, onto their parents: the kept ones, or those that are there."""
        for package, parts in list(self._parts.items()):
            parent = self.kept.get(package)
            if parent is None:
                parent = sys.modules.get(package)
                if not is_real(package, parent):
                    continue  # it is not there, or a fake
            if parts.keys() <= vars(parent).keys():
                continue
            for child in [child for child in list(parts) if child not in vars(parent)]:
                if parts[child] in names:
                    setattr(parent, child, self._given(parts[child]))


class _Execution:
    """Tells the keeper of an execution. A class, since a heavy import has hundreds: a generator takes twice as long."""

    __slots__ = ("_fullname", "_keeper", "_module")

    def __init__(self, keeper: Keeper, fullname: str, module: Any) -> None:
        self._keeper = keeper
        self._fullname = fullname
        self._module = module

    def __enter__(self) -> None:
        self._keeper.begin(self._fullname, self._module)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._keeper.end(self._fullname, self._module, error)


KEEPER = Keeper()
"""The one of this process."""
