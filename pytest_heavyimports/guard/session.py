"""The guard of one session: what it is told by the import system and by pytest's hooks, and what it answers."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn

from ..distributions import is_installed, locate
from ..errors import (
    HalfImported,
    HeavyImportWarning,
    ModulesDisplaced,
    ReimportRefused,
    ReloadRefused,
    add_note,
    imported_under_fake,
    reload_ignored,
)
from ..imports.keeper import declared_spec, is_real
from ..measure import Cost
from ..names import is_within, root
from ..places import Whereabouts, calling_line
from ..records import Import, Leak, Place, Reimport, Reload
from .known import why_not_twice
from .policy import Protection, Verdict, judge_reimport, judge_reload
from .watch import Displacement, Owner, Watch

if TYPE_CHECKING:
    from ..imports.keeper import Half, Keeper
    from ..ledger import Ledger

START = Owner("start", Place("before collection"))
OUTSIDE = Owner("session", Place("between tests"))


class Guard:
    """Judges reloads and re-imports, records first imports, and has displaced modules put back."""

    def __init__(
        self,
        mode: str,
        keeper: Keeper,
        *,
        ledger: Ledger,
        whereabouts: Whereabouts,
        collector: AbstractContextManager[object],
    ) -> None:
        """*mode* is a value of ``heavy_guard``, ``restore`` or ``error``."""
        self.mode = mode
        self._keeper = keeper
        self._ledger = ledger
        self._whereabouts = whereabouts
        self._collector = collector
        self._is_lifted = False
        self._fixtures: dict[object, Owner] = {}
        self._numbers = count(1)
        self._lent: dict[str, dict[str, Any]] = {}
        self._tolerated: dict[str, Any] = {}
        self._modules_seen = 0
        self._unprotected: set[str] = set()
        self.protection = Protection({})
        self.watch = Watch(START, is_anything_displaced=self._is_anything_displaced, displaced=self._displaced)
        keeper.adopt(self._unkept())

    def protect(self, declared: Mapping[str, str], removed: frozenset[str] = frozenset()) -> None:
        """Protect these packages, each with its declaration, beside those that are known to break."""
        self.protection = Protection(declared, removed)
        self._unprotected.clear()
        self._keeper.adopt(self._unkept())

    # The import system asks

    def is_lifted(self) -> bool:
        """Whether a test runs that is marked ``heavy_guard("off")``."""
        return self._is_lifted

    def is_protected(self, fullname: str) -> bool:
        """Whether the module must not be initialised twice."""
        return self.protection.covers(fullname)

    def on_reload(self, fullname: str) -> bool:
        """True to give the module back as it is, False to let it be reloaded; or raises ReloadRefused."""
        __tracebackhide__ = True
        verdict = judge_reload(fullname, self.protection, "off" if self._is_lifted else self.mode)
        if verdict is Verdict.ALLOW:
            return False
        file, line = calling_line()
        place = self._whereabouts.of(file, line)
        is_refused = verdict is Verdict.REFUSE
        self._ledger.record(Reload(fullname, place, is_refused))
        facts = {"first": self._first(fullname), "again": str(place), "why": self._why(fullname)}
        if is_refused:
            raise ReloadRefused(fullname, **facts)
        warnings.warn_explicit(reload_ignored(fullname, **facts), HeavyImportWarning, file, line)
        return True

    def on_reimport(self, fullname: str) -> None:
        """A kept module is missing and imported again. Returns where it shall be given back, else ReimportRefused."""
        __tracebackhide__ = True
        owner = self.watch.owner_of(fullname)
        verdict = judge_reimport(owner, self.watch.actor, self.mode)
        place = self._whereabouts.of(*calling_line())
        self._ledger.record(Reimport(fullname, place, owner.place, verdict is Verdict.REFUSE))
        if verdict is Verdict.REFUSE:
            raise ReimportRefused(
                fullname,
                first=self._first(fullname),
                taken_by=str(owner.place),
                again=str(place),
                why=self._why(fullname),
            )

    def on_half(self, fullname: str, half: Half) -> NoReturn:
        """A module whose first import failed half-way is imported again: raises the first error, with its place."""
        __tracebackhide__ = True
        if not isinstance(half.error, Exception):  # pytest-timeout's failure, Ctrl-C: no error of the module's
            raise HalfImported(fullname, first=str(half.place), error=repr(half.error))
        add_note(
            half.error,
            f"{fullname!r} failed half-way while it was first imported: {half.place}. It can't be done again.",
        )
        raise half.error

    @contextmanager
    def importing(self, fullname: str) -> Iterator[None]:
        """Around the outermost import of a protected module: records its place and cost, and has what comes in kept."""
        file, line = calling_line()
        place = self._whereabouts.of(file, line)
        fakes = {name: fake for name, fake in self._displaced().items() if fake is not None}
        cost = Cost()
        error = ""
        try:
            with self._collector, cost, self._keeper.importing(fullname, place, comes_with=_comes_with):
                yield
        except BaseException as raised:
            error = repr(raised)
            raise
        finally:
            self._ledger.record(Import(fullname, place, cost.duration_s, cost.rss_growth_bytes, error))
        for name in fakes:
            if not is_within(name, root(fullname)):
                told = imported_under_fake(
                    fullname, fake=name, taken_by=str(self.watch.owner_of(name).place), first=str(place)
                )
                warnings.warn_explicit(told, HeavyImportWarning, file, line)

    # pytest's hooks tell

    @contextmanager
    def collecting(self, nodeid: str) -> Iterator[None]:
        """What is displaced inside belongs to the file."""
        with self.watch.acting(_file_owner(nodeid), every_module=True):
            yield

    @contextmanager
    def testing(self, nodeid: str, *, is_lifted: bool) -> Iterator[None]:
        """Around a whole test: fakes that its file has left are lent to it."""
        lent = {
            name: fake for file, fakes in self._lent.items() if _is_under(nodeid, file) for name, fake in fakes.items()
        }
        self._is_lifted = is_lifted
        self._tolerated.update(lent)
        self._keeper.put(lent)
        try:
            with self.watch.acting(Owner("test", Place("", nodeid))):
                yield
        finally:
            for name, fake in lent.items():
                del self._tolerated[name]
                if sys.modules.get(name) is fake:
                    self._keeper.put_back([name])
            if is_lifted:
                self._keeper.put_back(self._keeper.displaced())
            self._is_lifted = False

    @contextmanager
    def setting_up(self, fixturedef: object, name: str, nodeid: str, *, is_shared: bool) -> Iterator[None]:
        """What is displaced inside belongs to the fixture, until :meth:`finalized`; *is_shared* by several tests."""
        owner = self._fixtures[fixturedef] = Owner("fixture", Place("setup", nodeid, name), next(self._numbers))
        with self.watch.acting(owner, every_module=is_shared):
            yield

    def finalized(self, fixturedef: object, name: str, nodeid: str) -> list[ModulesDisplaced]:
        """The fixture's finalizers have run."""
        finalizer = Owner("fixture", Place("teardown", nodeid, name), next(self._numbers))
        self.watch.check(actor=finalizer)
        return self.settle(self._fixtures.pop(fixturedef, finalizer), finalizer)

    def settle(self, *owners: Owner) -> list[ModulesDisplaced]:
        """Put back what the owners, who have ended, have left displaced; gives the errors, told to nobody yet."""
        if self._is_lifted:
            return []
        errors = []
        left = self.watch.end(*owners)
        for owner in owners:
            fakes = [
                displacement for displacement in left if displacement.owner == owner and displacement.fake is not None
            ]
            missing = [
                displacement for displacement in left if displacement.owner == owner and displacement.fake is None
            ]
            errors += [self._settled(owner, some) for some in (missing, fakes) if some]
        return errors

    def settle_file(self, nodeid: str) -> list[ModulesDisplaced]:
        """The file has been collected. Its fakes are lent to its own tests from now on."""
        return self.settle(_file_owner(nodeid))

    def settle_test(self, nodeid: str) -> list[ModulesDisplaced]:
        """The test has been torn down."""
        self.watch.check(every_module=True)
        return self.settle(Owner("test", Place("", nodeid)))

    def settle_start(self) -> None:
        """Collection begins. What was displaced before is told in the report, and nobody is refused anything."""
        self.watch.check(every_module=True)
        self.settle(START)
        self.watch.actor = OUTSIDE

    # How

    def _settled(self, owner: Owner, left: list[Displacement]) -> ModulesDisplaced:
        names = sorted((displacement.fullname for displacement in left), key=lambda name: (name.count("."), name))
        fakes = {displacement.fullname: displacement.fake for displacement in left if displacement.fake is not None}
        if owner.kind == "file" and fakes:
            self._lent.setdefault(owner.place.nodeid, {}).update(fakes)
        kept = [name for name in names if name in self._keeper.kept]
        if owner.kind == "start" and not kept:
            self._tolerated.update(fakes)  # for the whole session, on purpose: a conftest.py that plays "no torch here"
        else:
            self._keeper.put_back(names)
        self._ledger.record(Leak(tuple(names), owner.place, bool(fakes)))
        return ModulesDisplaced(
            names[0],
            others=len(names) - 1,
            fake=_shown(fakes[names[0]]) if fakes else "",
            first=self._first(names[0]),
            taken_by=str(owner.place),
            why=self._why(names[0]),
        )

    def _is_anything_displaced(self) -> bool:
        kept, modules = self._keeper.kept, sys.modules
        return any(modules.get(name) is not kept.get(name) for name in self.protection.packages)

    def _displaced(self) -> dict[str, Any]:
        displaced = {name: fake for name, fake in self._keeper.displaced().items() if self.is_protected(name)}
        if len(sys.modules) != self._modules_seen or self._is_anything_displaced():
            displaced.update(self._newcomers())
            self._modules_seen = len(sys.modules)
        return {
            name: fake
            for name, fake in displaced.items()
            if name not in self._tolerated or self._tolerated[name] is not fake
        }

    def _newcomers(self) -> dict[str, Any]:
        """Fakes of protected modules that have never been imported; what is real is kept from now on."""
        self._keeper.adopt(self._unkept())
        # A stand-in for what isn't installed hides nothing.
        present = {name: sys.modules.get(name) for name in self._unkept()}
        return {
            name: module
            for name, module in present.items()
            if module is not None and not is_real(name, module) and locate(name) is not None
        }

    def _unkept(self) -> set[str]:
        """Names in ``sys.modules`` that are protected and not kept. Looks at each name once: there are thousands."""
        names = sys.modules.keys() - self._keeper.kept.keys() - self._unprotected
        self._unprotected |= {name for name in names if not self.is_protected(name)}
        return names - self._unprotected

    def _first(self, fullname: str) -> str:
        first = self._ledger.first_import(fullname)
        return str(first.place) if first else ""

    def _why(self, fullname: str) -> str:
        return why_not_twice(fullname, self.protection.declaration(fullname))


def _file_owner(nodeid: str) -> Owner:
    return Owner("file", Place("collect", nodeid.partition("::")[0]))


def _is_under(nodeid: str, file: str) -> bool:
    """Whether a test lies in a file, or in a directory (whose conftest.py is collected with it)."""
    return nodeid.startswith((f"{file}::", f"{file}/"))


def _comes_with(fullname: str, module: Any) -> bool:
    """Whether a module that a heavy one has brought in shall come back with it: all but the code under test."""
    spec = declared_spec(module)
    if spec is None or spec.origin is None or root(fullname) in sys.stdlib_module_names:
        return True
    return is_installed(spec)


def _shown(fake: object) -> str:
    return f"a {type(fake).__name__}"
