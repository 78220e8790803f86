"""The guard of one session: what it is told by the import system and by pytest's hooks, and what it answers."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn, Union

from ..errors import (
    HeavyImportWarning,
    ModulesDisplaced,
    ReimportRefused,
    ReloadRefused,
    add_note,
    executed_again,
    fake_kept,
    imported_under_fake,
    imported_without,
    left_alone,
    registered_before,
    reload_ignored,
)
from ..facts.names import lineage, root
from ..facts.places import COVERAGE, Place, Whereabouts, calling_line, source_of_coverage
from ..facts.records import FakeKept, Import, Leak, Reimport, Reload, Warned
from ..imports.half import comes_with, raise_half
from ..imports.lacking import Askers, blocked, watch_askers
from ..imports.modules import BLOCKED
from .blame import OUTSIDE, START, Blame, file_owner, item_owner
from .evidence import NEWCOMERS, Doer
from .fakes import Fakes, is_held, shown
from .looks import Looks
from .own import Faked, OwnModules
from .policy import Protection, Verdict, judge_reimport, judge_reload
from .registering import registering_again
from .reported import Reported
from .together import Thrown, ThrownTogether
from .watch import Owner, Watch

if TYPE_CHECKING:
    from ..facts.ledger import Ledger
    from ..imports.keeper import Half, Keeper

    Executing = Callable[[str, Any], AbstractContextManager[None]]

Told = Union[ModulesDisplaced, HeavyImportWarning]  # noqa: UP007  # at run time, 3.10
"""What is to be told to the culprit: its text."""


class Guard:
    """Judges reloads and re-imports, records first imports, and has displaced modules put back."""

    def __init__(
        self,
        mode: str,
        keeper: Keeper,
        *,
        ledger: Ledger,
        whereabouts: Whereabouts,
        around: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        """
        Args:
            mode: A value of ``heavy_guard``, ``restore`` or ``error``.
            keeper: Keeps what is imported.
            ledger: Where everything is recorded.
            whereabouts: Tells where the run is now.
            around: Called with the name of each module, and entered while it is imported.
        """
        self.mode = mode
        self._keeper = keeper
        self._ledger = ledger
        self._whereabouts = whereabouts
        self._around = around
        self._is_lifted = False
        self._lifted: set[Owner] = set()
        """Tests that are marked so, and the fixtures that end with them."""
        self._fixtures: dict[object, Owner] = {}
        self._ended: list[Owner] = []
        self._untold: list[HeavyImportWarning] = []
        self._owed: list[tuple[Owner, HeavyImportWarning]] = []
        self._numbers = count(1)
        self._blame = Blame(ledger, whereabouts)
        self._looks = Looks(keeper)
        self._reported = Reported(self._blame, self._looks)
        self._sorted: tuple[object, int, set[str]] = (None, 0, set())
        self._fakes = Fakes(keeper)
        self._own = OwnModules()
        self._thrown = ThrownTogether(keeper)
        self._gone: list[tuple[Owner, Thrown]] = []
        # An outer session's, where this one runs inside of a test: not ours to judge.
        self._earlier = keeper.displaced()
        self.watch = Watch(START, has_changed=self._fakes.has_changed, displaced=self._displaced)
        self.protect({})

    def protect(
        self, declared: Mapping[str, str], removed: frozenset[str] = frozenset(), insisted: frozenset[str] = frozenset()
    ) -> None:
        """Protect these packages beside those that are known to break; see :class:`.policy.Protection`."""
        self.protection = self._blame.protection = Protection(declared, removed, insisted)
        self._fakes.watch_over(self.protection)

    # The import system asks

    def is_lifted(self) -> bool:
        """Whether a test runs that is marked ``heavy_guard("off")``."""
        return self._is_lifted

    def is_protected(self, fullname: str) -> bool:
        """Whether the module must not be initialised twice."""
        return self.protection.covers(fullname)

    def on_other(self, fullname: str) -> Executing | None:
        """A module that is not protected is about to be imported: what to enter around that, if anything."""
        if root(fullname) in sys.stdlib_module_names or self._is_lifted:
            return None
        fakes = self._fakes.shown_now()
        if fakes:
            self._own.importing(fullname, {name: Faked(fake, self._owner_of(name)) for name, fake in fakes.items()})
        return self._own.again(fullname) or self._thrown.executing

    def lets_go(self, fullname: str) -> bool:
        """Whether a kept module that is missing shall be executed again, with those who have registered in it."""
        owner = self.watch.owner_of(fullname) or self.watch.actor
        if judge_reimport(owner, self.watch.actor, self.mode) is Verdict.REFUSE:
            return False
        thrown = self._thrown.find(fullname, self.protection)
        if thrown:
            self._let_go(thrown, owner)
        return bool(thrown)

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
        facts = {"first": self._blame.first(fullname), "again": str(place), "why": self._blame.why(fullname)}
        if is_refused:
            refusal = ReloadRefused(fullname, **facts)
            self._reported.refused(refusal, fullname, self.watch.actor)
            raise refusal
        warning = reload_ignored(fullname, **facts)
        warnings.warn_explicit(warning, HeavyImportWarning, file, line)
        self.has_warned(str(warning))
        return True

    def on_reimport(self, fullname: str, *, is_nested: bool) -> None:
        """A kept module is missing and imported again. Returns where it shall be given back, else ReimportRefused."""
        __tracebackhide__ = True
        owner = self.watch.owner_of(fullname) or self.watch.actor
        # A refusal in the middle of another module's first import would leave that half imported.
        verdict = Verdict.GIVE_BACK if is_nested else judge_reimport(owner, self.watch.actor, self.mode)
        if verdict is Verdict.REFUSE and self._reported.in_another_test(owner, fullname):
            return  # a fixture, which was refused it in an earlier test
        place = self._whereabouts.of(*calling_line())
        is_new = self._blame.is_new(fullname, owner)
        how = self._blame.how(owner, fullname, is_new=is_new, is_over=False)
        taken_by = self._blame.place_of(owner, how)
        self._ledger.record(Reimport(fullname, place, taken_by, verdict is Verdict.REFUSE))
        if verdict is Verdict.REFUSE:
            kind = how.kind if how and is_new and how.kind in NEWCOMERS else ""
            refusal = ReimportRefused(
                fullname,
                first=self._blame.first(fullname),
                taken_by=str(taken_by),
                how=how.text if how else "",
                again=str(place),
                why=self._blame.why(fullname),
                remedy=self._blame.remedy(kind, fullname),
            )
            self._reported.refused(refusal, fullname, owner, self.watch.actor)
            raise refusal

    def on_half(self, fullname: str, half: Half) -> NoReturn:
        """A module whose first import failed half-way is imported again: raises the first error, with its place."""
        __tracebackhide__ = True
        raise_half(fullname, half)

    @contextmanager
    def importing(self, fullname: str) -> Iterator[None]:
        """Around the outermost import of a protected module: records its place and cost, and has what comes in kept."""
        file, line = calling_line()
        place = self._whereabouts.of(file, line)
        if place.phase == "start-up" and (source := source_of_coverage()):
            place = Place(f"{COVERAGE}{source}")
        fakes = self._fakes.packages_in_place()
        keeping = self._keeper.importing(fullname, place, comes_with=comes_with)
        try:
            with watch_askers(blocked()) as askers, self._ledger.importing(fullname, place, self._around), keeping:
                yield
        finally:
            self._record_what_came_with(fullname, place)
        held = [name for name, fake in fakes.items() if is_held(fake, self._keeper.family(fullname))]
        if held:
            since = self._fakes.tolerated_since(held[0])
            put_in = since or self._blame.place_of_fake(held[0], self.watch.owner_of(held[0]) or START)
            told = imported_under_fake(fullname, fake=", ".join(held), taken_by=str(put_in), first=str(place))
            self._warn_at(file, line, told)
        if askers:
            self._tell_lacks(fullname, askers, place, (file, line))

    def on_copy(self, fullname: str, copy: str, how: str) -> str:
        """The file of a module is about to be executed again, as *copy*: warns, and gives the text of the warning."""
        if self._is_lifted:
            return ""
        file, line = calling_line()
        place = self._whereabouts.of(file, line)
        told = executed_again(fullname, copy=copy, how=how, first=self._blame.first(fullname), again=str(place))
        self._warn_at(file, line, told)
        return str(told)

    # pytest's hooks tell

    @contextmanager
    def collecting(self, nodeid: str, file: str = "") -> Iterator[None]:
        """What is displaced inside belongs to the *file*."""
        owner = file_owner(nodeid)
        self._blame.begin(owner, lambda: Doer(files=(file,)))
        with self._lending(nodeid), self.watch.acting(owner, every_module=True):
            yield

    @contextmanager
    def testing(self, nodeid: str, *, is_lifted: bool, doer: Callable[[], Doer] = Doer) -> Iterator[None]:
        """Around a whole test; *doer* is asked for its source where that must be looked at."""
        self.watch.check()
        self.settle(OUTSIDE)
        self._is_lifted = is_lifted
        owner = item_owner(nodeid)
        if is_lifted:
            self._lifted.add(owner)
        self._blame.begin(owner, doer)
        try:
            with self._lending(nodeid), self.watch.acting(owner):
                yield
        finally:
            self._is_lifted = False
            self._settle_own()  # of a fake that is lent: its file has been told
            self._looks.end_test()
            self._forget(owner)

    @contextmanager
    def setting_up(
        self, fixturedef: object, place: Place, *, is_shared: bool, function: object = None
    ) -> Iterator[None]:
        """What is displaced inside belongs to the fixture, until :meth:`finalized`; *is_shared* by several tests."""
        owner = self._fixtures[fixturedef] = Owner("fixture", place, next(self._numbers))
        self._blame.begin(owner, lambda: Doer(function, phase="setup"))
        is_nested = self.watch.actor.kind == "fixture"  # by request.getfixturevalue, in the setup of another one
        is_looked_at = is_shared or is_nested or self._looks.are_due("setup", function)
        if not is_shared:
            self._looks.will_end(function)
            if self._is_lifted:
                self._lifted.add(owner)
        with self.watch.acting(owner, every_module=is_looked_at):
            yield
        if is_looked_at:
            self._looks.done("setup", function)

    def has_warned(self, text: str) -> None:
        """A warning was issued, and was not an error: the report has it where the suite hides warnings."""
        self._ledger.record(Warned(text))

    def has_failed(self, error: BaseException, fixturedef: object = None) -> str:
        """
        A file, a test, or the setup of a fixture has failed; gives the note that its error has now.

        Where that is by a refusal, what it leaves displaced is not reported as well: its own cleanup was not reached.
        """
        if note := self.note_on(error):
            add_note(error, note)
        if self._reported.fail(error) and (failed := self._fixtures.pop(fixturedef, None)):
            self._reported.add_failed(failed)
            self._ended.append(failed)  # it has nothing to be torn down
        return note

    def note_on(self, error: BaseException) -> str:
        """What to say beside the error of a module that could not be executed a second time; empty otherwise."""
        given_back = {event.fullname for event in self._ledger if isinstance(event, Reimport)}
        given_back.update(name for event in self._ledger if isinstance(event, Leak) for name in event.fullnames[:1])
        packages = {each for name in given_back for each in lineage(name) if each in self.protection.packages}
        found = registering_again(error, packages, self.protection) if packages else None
        return registered_before(*found) if found else ""

    def tearing_down(self, *, is_any_shared_over: bool) -> None:
        """The test's fixtures are about to be finalized, and perhaps some that it shares with others."""
        self.watch.check(every_module=self._looks.begin_ends(is_any_shared_over))

    def finalized(self, fixturedef: object, place: Place, function: object = None) -> None:
        """The fixture's finalizers have run; those of what it has used, such as monkeypatch, come after them."""
        finalizer = Owner("fixture", place, next(self._numbers))
        began_with = self._fixtures.get(fixturedef)
        self._blame.begin(finalizer, lambda: Doer(function, phase="teardown"), since=began_with)
        if began_with in self._lifted:
            self._lifted.add(finalizer)
        is_looked_at = self._looks.are_due_at_end(function)
        self.watch.check(every_module=is_looked_at, actor=finalizer)
        if is_looked_at:
            self._looks.done("teardown", function)
        self._ended += [self._fixtures.pop(fixturedef, finalizer), finalizer]

    def settle_fixtures(self) -> list[Told]:
        """A test's teardown is over, or a fixture that was torn down is set up anew."""
        # Some versions of pytest call the hook of a fixture's end several times.
        ended, self._ended = [*dict.fromkeys(self._ended)], []
        errors = self.settle(*ended)
        self._forget(*ended)
        return errors

    def settle_file(self, nodeid: str, *, is_lifted: bool) -> list[Told]:
        """The file has been collected."""
        owner = file_owner(nodeid)
        errors = self.settle(owner) + self._settle_own() + self._take_untold()
        self._forget(owner)
        return [] if is_lifted else errors

    def settle_test(self, nodeid: str) -> list[Told]:
        """The test has been torn down."""
        self.watch.check(every_module=True)
        return self.settle_fixtures() + self.settle(item_owner(nodeid)) + self._settle_own() + self._take_untold()

    def settle_start(self, files: tuple[str, ...] = ()) -> None:
        """
        Collection begins. What was displaced before is told in the report, and nobody is refused anything.

        Args:
            files: The ``conftest.py`` files that were read until now.
        """
        self.watch.check(every_module=True)
        self._blame.begin(START, lambda: Doer(files=files), since=START)
        self.settle(START)
        self.watch.actor = OUTSIDE

    def settle(self, *owners: Owner) -> list[Told]:
        """Put back what the owners, who have ended, have left displaced; gives the errors, told to nobody yet."""
        errors: list[Told] = []
        left = self.watch.end(*owners)
        families = {self._keeper.family(each.fullname): each for each in left if each.fake is None}
        for each in families.values():
            if thrown := self._thrown.find(each.fullname, self.protection):
                self._let_go(thrown, each.owner)
        left = [each for each in left if each.fake is not None or each.fullname in self._keeper.kept]
        told = [(owner, thrown) for owner, thrown in self._gone if owner in owners]
        self._gone = [each for each in self._gone if each not in told]
        for owner, thrown in told:
            if owner in self._lifted:
                continue
            place, _, _ = self._blame.of(owner, thrown.fullnames[0], is_fake=False, is_over=True)
            errors.append(left_alone(thrown.fullnames, thrown.users, taken_by=str(place)))
        for owner in owners:
            missing = {each.fullname: each.fake for each in left if each.owner == owner and each.fake is None}
            fakes = {each.fullname: each.fake for each in left if each.owner == owner and each.fake is not None}
            for some in (missing, fakes):
                if some and (error := self._settled(owner, some)):
                    errors.append(error)
        errors += [told for owner, told in self._owed if owner in owners and owner not in self._lifted]
        self._owed = [owed for owed in self._owed if owed[0] not in owners]
        return errors

    # How

    @contextmanager
    def _lending(self, nodeid: str) -> Iterator[None]:
        with self._fakes.lending(nodeid), self._own.lending(nodeid):
            yield

    def _owner_of(self, fake: str) -> Owner:
        place = self._fakes.tolerated_since(fake)
        return Owner("file", place) if place else self.watch.owner_of(fake) or START

    def _settle_own(self) -> list[Told]:
        """Take out modules of the code under test that have kept a fake which is gone; gives what is to be told."""
        errors: list[Told] = []
        for kept in self._own.settle(set(self._fixtures.values())):
            owner: Owner = kept.owner
            if owner.kind == "file":
                self._own.lend(kept, owner.place.nodeid)
            if owner.kind == "file" and self._fakes.is_lent(kept.package, owner.place.nodeid):
                continue
            if owner in self._lifted:
                continue
            place = self._blame.place_of_fake(kept.package, owner)
            self._ledger.record(FakeKept(kept.fullnames, kept.package, place, bool(kept.holder)))
            errors.append(fake_kept(kept.fullnames, fake=kept.package, taken_by=str(place), holder=kept.holder))
        return errors

    def _tell_lacks(self, fullname: str, askers: Askers, place: Place, line: tuple[str, int]) -> None:
        """A module goes without what was blocked, for good: tells the one who has blocked it, where that is known."""
        name, [asker, *_] = next(iter(askers.items()))
        since = self._fakes.tolerated_since(name)
        owner = self.watch.owner_of(name) if self.is_protected(name) and not since else None
        by = since or (owner.place if owner else "")
        others = tuple(each for each in askers if each != name)
        told = imported_without(fullname, lack=name, others=others, asker=asker, blocked_by=str(by), first=str(place))
        if self.mode == "error" and owner and owner.kind in ("file", "fixture", "test"):
            self._owed.append((owner, told))
        else:
            self._warn_at(*line, told)

    def _warn_at(self, file: str, line: int, told: HeavyImportWarning) -> None:
        try:
            warnings.warn_explicit(told, HeavyImportWarning, file, line)
            self.has_warned(str(told))
        except HeavyImportWarning:  # as an error, which must not fail an import that is under way or through
            self._untold.append(told)

    def _take_untold(self) -> list[Told]:
        untold, self._untold = self._untold, []
        return list(untold)

    def _let_go(self, thrown: Thrown, owner: Owner) -> None:
        self._keeper.forget(thrown.everything)
        if (owner, thrown) in self._gone:
            return  # once more
        self._gone.append((owner, thrown))
        if owner not in self._lifted:
            place, _, remedy = self._blame.of(owner, thrown.fullnames[0], is_fake=False, is_over=False)
            self._ledger.record(Leak(thrown.fullnames, place, False, True, remedy if owner is START else ""))

    def _settled(self, owner: Owner, left: dict[str, Any]) -> ModulesDisplaced | None:
        names = self._most_worth_naming(left)
        fakes = {name: fake for name, fake in left.items() if fake is not None}
        is_lent = owner.kind == "file" and bool(fakes)
        if is_lent:
            self._fakes.lend(fakes, owner.place)
        is_fake = any(fake is not BLOCKED for fake in fakes.values())
        tolerated = {name: fake for name, fake in fakes.items() if owner is START and name not in self._keeper.kept}
        self._fakes.tolerate(tolerated, owner.place)
        self._keeper.put_back(name for name in names if name not in tolerated)
        if owner in self._lifted or self._reported.has_failed(owner):
            return None
        self._reported.note(owner, names[0])
        if self._reported.in_another_test(owner, names[0]):
            return None
        place, how, remedy = self._blame.of(owner, names[0], is_fake=bool(fakes), is_over=True)
        told_there = remedy if owner is START and not tolerated else ""
        self._ledger.record(Leak(tuple(names), place, is_fake, bool(tolerated), told_there))
        return ModulesDisplaced(
            names[0],
            others=len(names) - 1,
            fake=shown(fakes[names[0]]) if is_fake else "",
            is_lent=is_lent and is_fake,
            first=self._blame.first(names[0]),
            taken_by=str(place),
            how=how.text if how else "",
            why=self._blame.why(names[0]),
            remedy=remedy,
        )

    def _most_worth_naming(self, names: Iterable[str]) -> list[str]:
        """Declared packages first, then what was not brought in by another one, the outermost first."""
        names = list(names)

        def rank(name: str) -> tuple[object, ...]:
            first = self._ledger.import_of(name)
            is_brought_in = first is None or first.within in names
            return not self.protection.is_declared(name), is_brought_in, name.count("."), name

        return sorted(names, key=rank)

    def _forget(self, *owners: Owner) -> None:
        """They have ended."""
        self._lifted.difference_update(owners)
        self._reported.forget(*owners)
        self._blame.forget(*owners)

    def _displaced(self) -> dict[str, Any]:
        displaced = self._keeper.displaced()
        for name in self._unprotected_kept() & displaced.keys():
            del displaced[name]
        for name in stood_in_for(displaced):
            del displaced[name]
        displaced.update(self._fakes.look(is_anything_displaced=bool(displaced)))
        for meant in (self._earlier, self._fakes.tolerated()):
            for name in meant.keys() & displaced.keys():
                if meant[name] is displaced[name]:
                    del displaced[name]
        return displaced

    def _unprotected_kept(self) -> set[str]:
        """What another session of this process has had kept, and this one does not protect."""
        scope, number = self.protection.scope, self._keeper.generation
        if (scope, number) != self._sorted[:2]:
            unprotected = {name for name in list(self._keeper.kept) if not self.protection.covers(name)}
            self._sorted = (scope, number, unprotected)
        return self._sorted[2]

    def _record_what_came_with(self, fullname: str, place: Place) -> None:
        """numpy, which torch has brought in, was first imported where torch was."""
        for package in self.protection.packages:
            if package in self._keeper.kept and self._ledger.import_of(package) is None:
                self._ledger.record(Import(package, place, within=fullname))


def stood_in_for(names: Iterable[str]) -> list[str]:
    """Those of the modules that a finder gives one of our own stand-ins for."""
    finders: list[Any] = [finder for finder in sys.meta_path if getattr(finder, "is_stand_in", False)]
    return [name for name in names if any(finder.covering(name) for finder in finders)] if finders else []
