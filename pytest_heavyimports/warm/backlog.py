"""What runs had to import that the warm process doesn't have: tried by a child first, then imported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from json import loads  # now: packages replace them
from typing import TYPE_CHECKING

from .learning import Learnt

if TYPE_CHECKING:
    from .preload import Preload
    from .trial import Result
    from .wire import Message


class Backlog:
    """Modules that are to be tried, and those that have been and do no harm."""

    def __init__(self, preload: Preload, *, is_trying: bool) -> None:
        """
        Args:
            preload: What is imported already, and what is left out.
            is_trying: Whether modules are tried first. Not where the process was started for one run: its workers wait
                for what they have declared, and it ends with them.
        """
        self._preload = preload
        self._is_trying = is_trying
        self._seen: set[str] = set()
        """What has been tried, or is to be."""
        self.to_try: list[Learnt] = []
        self.to_load: list[Learnt] = []

    def add_learnt(self, message: Message) -> None:
        """A run had to import these."""
        self._add(Learnt(*loads(part)) for part in message.parts("modules"))

    def add_declared(self, message: Message) -> None:
        """A run has declared these."""
        self._add(Learnt(part.decode(), "", False) for part in message.parts("modules"))

    def take_untried(self) -> Sequence[Learnt]:
        """What is to be tried now."""
        modules, self.to_try = self.to_try, []
        return [module for module in modules if not self._preload.is_left_out(module.fullname)]

    def take_harmless(self) -> Sequence[Learnt]:
        """What is to be imported now."""
        modules, self.to_load = self.to_load, []
        return modules

    def forget(self, modules: Iterable[Learnt]) -> None:
        """They could not be tried."""
        self._seen.difference_update(module.fullname for module in modules)

    def take_in(self, result: Result) -> None:
        """Import what did no harm when it was tried, and have what comes after a harmful module tried without it."""
        self.to_load += result.harmless
        if not result.harmful:
            self.forget(result.untried)  # the child died before it began: the next run tells them again
            return
        self.to_try = [*result.untried, *self.to_try]
        if result.is_certain:
            self._preload.leave_out(result.harmful, result.fault)

    def _add(self, modules: Iterable[Learnt]) -> None:
        """Each once."""
        for module in modules:
            if not isinstance(module.fullname, str):
                raise TypeError("a module's name is a string")
            if module.fullname not in self._seen and module.fullname not in self._preload.known:
                self._seen.add(module.fullname)
                (self.to_try if self._is_trying else self.to_load).append(module)
