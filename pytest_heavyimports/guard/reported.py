"""Who was refused something, or has been reported: nobody is reported twice for one thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..facts.names import root
from .evidence import definition

if TYPE_CHECKING:
    from ..errors import HeavyImportsError
    from .blame import Blame
    from .looks import Looks
    from .watch import Owner


class Reported:
    """Refusals of the test that runs, and fixtures that were reported in any test."""

    def __init__(self, blame: Blame, looks: Looks) -> None:
        self._blame = blame
        self._looks = looks
        self._refusals: list[tuple[HeavyImportsError, tuple[Owner, ...], str]] = []
        self._failed: set[Owner] = set()
        """Owners that have failed by a refusal, so that their own cleanup was not reached."""
        self._tests: dict[object, str] = {}
        """By part of a fixture and package: the node id of the test in which it was reported."""

    def refused(self, refusal: HeavyImportsError, fullname: str, *owners: Owner) -> None:
        """The owners were refused the import or reload of a module."""
        self._refusals.append((refusal, owners, fullname))

    def fail(self, error: BaseException) -> bool:
        """A test or the setup of a fixture has failed: whether that is by a refusal, whose owners have failed."""
        causes = set(map(id, _chain(error))) if self._refusals else set()
        found = [(owners, fullname) for refusal, owners, fullname in self._refusals if id(refusal) in causes]
        for owners, fullname in found:
            self._failed.update(owners)
            for owner in owners:
                self.note(owner, fullname)
        return bool(found)

    def add_failed(self, owner: Owner) -> None:
        """A fixture that was set up meanwhile has failed with it."""
        self._failed.add(owner)

    def has_failed(self, owner: Owner) -> bool:
        """Whether it has failed by a refusal: what it leaves displaced is not reported as well."""
        return owner in self._failed

    def note(self, owner: Owner, fullname: str) -> None:
        """A fixture is reported for a package, unless it was before; from now on it is looked at each time."""
        if function := self._fixture(owner):
            self._looks.always(owner.place.phase, function)
            self._tests.setdefault((owner.place.phase, function, root(fullname)), owner.place.nodeid)

    def in_another_test(self, owner: Owner, fullname: str) -> bool:
        """Whether a fixture was reported for a package in an earlier test."""
        nodeid = self._tests.get((owner.place.phase, self._fixture(owner), root(fullname)))
        return nodeid not in (None, owner.place.nodeid)

    def _fixture(self, owner: Owner) -> Any:
        """The function of a fixture of the project; ``None`` for others, such as ``mocker``, which undoes for tests."""
        function = self._blame.doer_of(owner).function if owner.kind == "fixture" else None
        return function if definition(function) else None

    def forget(self, *owners: Owner) -> None:
        """They have ended."""
        self._failed.difference_update(owners)
        self._refusals = [refusal for refusal in self._refusals if not set(owners).intersection(refusal[1])]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, those that have led to it, and those that a group has."""
    seen: set[int] = set()
    errors = [error]
    while errors:
        error = errors.pop()
        if id(error) not in seen:
            seen.add(id(error))
            yield error
            more = (error.__cause__, error.__context__, *getattr(error, "exceptions", ()))
            errors += [each for each in more if isinstance(each, BaseException)]
