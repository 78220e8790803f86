"""The guard that only looks on, for ``heavyimports doctor``: it tells what it sees, and changes no outcome."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from ..errors import RELOAD_REMEDY, reimport_remedy
from ..facts.names import lineage
from ..facts.places import calling_line
from ..facts.records import Sighting
from ..imports.keeper import Keeper
from ..imports.modules import BLOCKED, is_real
from .blame import START
from .session import Guard, Told

if TYPE_CHECKING:
    from ..facts.ledger import Ledger
    from ..facts.places import Whereabouts
    from .watch import Owner


class Notebook(Keeper):
    """
    What was imported, in the place of the keeper: it is compared, and nothing of it is ever put back.

    A module that was thrown out lives until its owner has ended and has been told, and no longer.
    """

    def __init__(self, on_again: Callable[[str], object]) -> None:
        """*on_again* is called with the name of a module that is about to be executed a second time."""
        super().__init__()
        self._on_again = on_again
        self.gone: set[str] = set()
        """What was thrown out, and has not come again."""
        self._before: frozenset[str] | None = None
        """What there was before the outermost of the imports that go on."""

    def find(self, fullname: str) -> Any:  # noqa: ARG002  # as the keeper's
        """Nothing is given back."""
        return None

    def has_parts(self, package: str) -> bool:  # noqa: ARG002
        """Nor is a part of a package."""
        return False

    def displaced(self) -> dict[str, Any]:
        """As the keeper's, without a real module in the place of another copy of it, which was told when it came."""
        found = super().displaced()
        copies = [name for name, module in found.items() if module is not None and self._is_copy(name, module)]
        for name in copies:
            self.keep(name, found.pop(name))
        return found

    def executing(self, fullname: str, module: Any) -> AbstractContextManager[object]:
        """To be entered while a module is executed."""
        return self._noting(fullname, module)

    @contextmanager
    def _noting(self, fullname: str, module: Any) -> Iterator[None]:
        is_outermost = self._before is None
        if self._before is None:
            self._before = frozenset(self.kept) | self.gone
        # A package that takes away and imports again what it has just brought in is nobody's culprit.
        is_again = fullname in self._before
        try:
            if is_again and not any(name in self._executing for name in lineage(fullname)):
                self._on_again(fullname)
            self._executing[fullname] = module
            yield
            present = sys.modules.get(fullname)
            self.keep(fullname, module if present is None else present)
            self.gone.discard(fullname)
        finally:
            self._executing.pop(fullname, None)
            if is_outermost:
                self._before = None

    def put_back(self, names: Iterable[str]) -> None:
        """They are gone, as without a guard."""
        names = [name for name in names if name in self.kept]
        self.forget(names)
        self.gone.update(names)

    def _is_copy(self, fullname: str, module: Any) -> bool:
        return module is not BLOCKED and is_real(fullname, module)


class Onlooker(Guard):
    """Sees what the guard sees, and lets everything go its way."""

    def __init__(self, *, ledger: Ledger, whereabouts: Whereabouts, on_sight: Callable[[Sighting], object]) -> None:
        """*on_sight* is called with what would have been reported, at the time."""
        self.notebook = Notebook(self._again)
        self._on_sight = on_sight
        self._told: dict[str, Sighting] = {}
        super().__init__("watch", self.notebook, ledger=ledger, whereabouts=whereabouts, around=lambda _: nullcontext())

    def on_other(self, fullname: str) -> None:  # noqa: ARG002  # as the guard's
        """Modules that are not protected are nothing to it."""
        return

    def on_reload(self, fullname: str) -> bool:
        """Let a module be reloaded."""
        if self.protection.covers(fullname) and not self._is_lifted:
            place = self._whereabouts.of(*calling_line())
            self._on_sight(Sighting("reload", (fullname,), place, "", str(place), RELOAD_REMEDY))
        return False

    @contextmanager
    def importing(self, fullname: str) -> Iterator[None]:
        """Around the outermost import of a protected module: records its place."""
        place = self._whereabouts.of(*calling_line())
        with self._ledger.importing(fullname, place, self._around):
            yield
        self._record_what_came_with(fullname, place)

    def note_on(self, error: BaseException) -> str:  # noqa: ARG002  # as the guard's
        """Nothing was given back that could explain an error."""
        return ""

    def settle(self, *owners: Owner) -> list[Told]:
        """Tell what the owners have left displaced; nobody fails."""
        super().settle(*owners)
        return []

    def _again(self, fullname: str) -> None:
        """A module is about to be executed a second time."""
        if self._is_lifted:
            return
        again = str(self._whereabouts.of(*calling_line()))
        seen = self._told.get(fullname)
        if seen is None or fullname not in self.notebook.gone:
            owner = self.watch.owner_of(fullname) or self.watch.actor
            place, how, remedy = self._blame.of(owner, fullname, is_fake=False, is_over=False)
            seen = Sighting("again", (fullname,), place, how.text if how else "", "", remedy)
        remedy = seen.remedy or reimport_remedy(fullname)
        self._on_sight(seen._replace(kind="again", fullnames=(fullname,), again=again, remedy=remedy))

    def _settled(self, owner: Owner, left: dict[str, Any]) -> None:
        names = self._most_worth_naming(left)
        is_known = any(name in self.notebook.gone for name in lineage(names[0]))  # what a failed import has left of it
        fakes = {name: fake for name, fake in left.items() if fake is not None}
        place, how, remedy = self._blame.of(owner, names[0], is_fake=bool(fakes), is_over=True)
        # A fake that was put in before collection, of what was never imported, plays "not installed" on purpose.
        is_meant = owner is START and all(name not in self.notebook.kept for name in fakes) and bool(fakes)
        self._fakes.tolerate(fakes, place)
        self.notebook.put_back(names)
        if owner in self._lifted or is_meant or is_known:
            return
        outermost = tuple(name for name in names if name.rpartition(".")[0] not in left)
        is_fake = any(fake is not BLOCKED for fake in fakes.values())
        seen = Sighting("fake" if is_fake else "left", outermost, place, how.text if how else "", "", remedy)
        self._told.update(dict.fromkeys(names, seen))
        self._on_sight(seen)

    @contextmanager
    def _lending(self, nodeid: str) -> Iterator[None]:  # noqa: ARG002  # as the guard's
        yield

    def _settle_own(self) -> list[Told]:
        return []
