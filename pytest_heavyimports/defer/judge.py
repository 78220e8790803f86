"""The judge of a session that defers imports and has no guard: modules are kept, given back, and nobody is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, NoReturn

from ..imports.half import comes_with, raise_half

if TYPE_CHECKING:
    from ..facts.places import Place
    from ..imports.keeper import Half, Keeper


class Keeping:
    """
    Keeps deferred modules once they are executed.

    An import that is put off happens in a test, where somebody may take back what it brings in (``patch.dict``), or
    break it off (a time-out): what was harmless at the top of the file would initialise it twice.
    """

    def __init__(
        self,
        keeper: Keeper,
        *,
        is_kept: Callable[[str], bool],
        place: Callable[[], Place],
        importing: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        """
        Args:
            keeper: Keeps.
            is_kept: Whether a module is one of those.
            place: Tells where the run is.
            importing: Entered around the outermost import of one.
        """
        self._keeper = keeper
        self._is_kept = is_kept
        self._place = place
        self._importing = importing

    def is_lifted(self) -> bool:
        """Never."""
        return False

    def is_protected(self, fullname: str) -> bool:
        """Whether it was deferred."""
        return self._is_kept(fullname)

    def on_other(self, fullname: str) -> None:
        """What was not deferred is imported as ever."""

    def lets_go(self, fullname: str) -> bool:  # noqa: ARG002  # a judge's question
        """Never."""
        return False

    def on_reload(self, fullname: str) -> bool:  # noqa: ARG002  # a judge's question
        """Reloads go their way."""
        return False

    def on_reimport(self, fullname: str, *, is_nested: bool) -> None:
        """It is given back."""

    def on_half(self, fullname: str, half: Half) -> NoReturn:
        """A module whose first import failed half-way can't be imported again."""
        raise_half(fullname, half)

    @contextmanager
    def importing(self, fullname: str) -> Iterator[None]:
        """Around the outermost import."""
        with self._importing(fullname), self._keeper.importing(fullname, self._place(), comes_with=comes_with):
            yield
