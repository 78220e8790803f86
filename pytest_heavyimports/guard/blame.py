"""Who answers for a displaced module: the place, the statement, and what to type instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import coverage_remedy, displaced_remedy
from ..facts.places import COVERAGE, Place, Whereabouts
from ..imports.known import why_not_twice
from .evidence import Doer, How, definition, find_how
from .policy import BY_PROTECT, Protection
from .watch import Owner

if TYPE_CHECKING:
    from ..facts.ledger import Ledger

START = Owner("start", Place("before collection"))
OUTSIDE = Owner("session", Place("between tests"))


def file_owner(nodeid: str) -> Owner:
    """The collection of a file."""
    return Owner("file", Place("collect", nodeid.partition("::")[0]))


def item_owner(nodeid: str) -> Owner:
    """A test, from its setup to its teardown."""
    return Owner("test", Place("", nodeid))


class Blame:
    """Finds out what an owner did. Sources are read when something is displaced, and not before."""

    def __init__(self, ledger: Ledger, whereabouts: Whereabouts) -> None:
        self.protection = Protection({})
        self._ledger = ledger
        self._whereabouts = whereabouts
        self._doers: dict[Owner, Callable[[], Doer]] = {}
        self._begun: dict[Owner, int] = {}
        """By owner: how many events the ledger had when it began."""
        self._hows: dict[object, How | None] = {}
        """Answers of :meth:`how` for the owners that have not ended."""

    def begin(self, owner: Owner, doer: Callable[[], Doer], *, since: Owner | None = None) -> None:
        """An owner begins; what was imported since another one began may be its doing, too."""
        self._doers[owner] = doer
        self._begun[owner] = self._ledger.number if since is None else self._begun.get(since, 0)

    def forget(self, *owners: Owner) -> None:
        """They have ended."""
        self._hows.clear()
        for owner in owners:
            self._doers.pop(owner, None)
            self._begun.pop(owner, None)

    def doer_of(self, owner: Owner) -> Doer:
        """Whose source to look at."""
        return self._doers.get(owner, Doer)()

    def of(self, owner: Owner, fullname: str, *, is_fake: bool, is_over: bool) -> tuple[Place, How | None, str]:
        """Where a module was displaced, how, and what to type instead; *is_over* where the owner has ended."""
        how = self.how(owner, fullname, is_fake=is_fake, is_new=self.is_new(fullname, owner), is_over=is_over)
        if owner is START and (source := self._source_of_coverage(fullname)):
            return Place(f"{COVERAGE}{source}"), how, coverage_remedy(source)
        return self.place_of(owner, how), how, self.remedy(how.kind if how else "", fullname)

    def is_new(self, fullname: str, owner: Owner) -> bool:
        """Whether a module may have been first imported while the owner was at it."""
        first = self._ledger.first_import(fullname)
        if first is None or owner is START:
            return True
        if owner.kind == "test" and first.place.phase == "setup":
            return False  # by a fixture, before the test's own function was called
        return any(event is first for _, event in self._ledger.since(self._begun.get(owner, 0)))

    def how(self, owner: Owner, fullname: str, **facts: bool) -> How | None:
        """The statement, where it is the only one that can have done it; see :func:`.evidence.find_how`."""
        key = owner, fullname, tuple(facts.items())
        if key not in self._hows:
            doer = self.doer_of(owner)
            if owner.kind == "fixture" and definition(doer.function) is None:
                # Such as mocker, which isn't of the project: the test that used it has the statement.
                doer = self.doer_of(item_owner(owner.place.nodeid))
            self._hows[key] = find_how(doer, fullname, **facts)
        return self._hows[key]

    def place_of(self, owner: Owner, how: How | None) -> Place:
        """The owner's place, with the statement; a fixture's with the line where it begins, where that is not known."""
        at = (how.file, how.line) if how and how.file else None
        if at is None and owner.kind == "fixture":
            at = definition(self.doer_of(owner).function)
        if at is None:
            return owner.place
        if owner is START:
            return Place(owner.place.phase, self._whereabouts.shown(*at))
        return owner.place.at(line=self._whereabouts.shown(*at))

    def place_of_fake(self, fullname: str, owner: Owner) -> Place:
        """Where a fake was put, whose owner has not ended."""
        return self.place_of(owner, self.how(owner, fullname, is_fake=True, is_over=False))

    def remedy(self, kind: str, fullname: str) -> str:
        """What to type instead of a statement of this kind."""
        declaration = self.protection.declaration(fullname)
        is_declared = bool(declaration) and not declaration.endswith(BY_PROTECT)
        return displaced_remedy(kind, fullname, is_declared=is_declared)

    def first(self, fullname: str) -> str:
        """Where a module was first imported; empty where that is not known."""
        first = self._ledger.first_import(fullname)
        return str(first.place) if first else ""

    def why(self, fullname: str) -> str:
        """Why a module must not be executed twice."""
        return why_not_twice(fullname, self.protection.declaration(fullname))

    def _source_of_coverage(self, fullname: str) -> str:
        """What coverage was to measure when its import of that brought a module in, which it has then thrown out."""
        first = self._ledger.first_import(fullname)
        return first.place.phase.removeprefix(COVERAGE) if first and first.place.phase.startswith(COVERAGE) else ""
