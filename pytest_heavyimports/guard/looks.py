"""Which parts of fixtures are looked at closely: all modules of ``sys.modules``, which costs too much each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..imports.keeper import Keeper


class Looks:
    """
    Each fixture's setup and teardown are looked at once, and again when other modules are kept.

    A part that has displaced a module is looked at each time. The figure is in ``python -m benchmarks.guard``.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._numbers: dict[tuple[str, object], int] = {}
        """By phase and function: the keeper's generation when it was last looked at; -1 for always."""
        self._ends: list[object] = []
        """The functions of fixtures that end with this test."""
        self._is_end_due = True
        """Outside of a test's teardown too: pytest finalizes a shared fixture in the setup that needs it anew."""

    def are_due(self, phase: str, function: object) -> bool:
        """Whether this part is to be looked at."""
        return self._numbers.get((phase, function)) != self._keeper.generation

    def done(self, phase: str, function: object) -> None:
        """It was looked at."""
        self._numbers[phase, function] = self._keeper.generation

    def always(self, phase: str, function: object) -> None:
        """It has displaced a module: look at it each time, until it was looked at in vain."""
        self._numbers[phase, function] = -1

    def will_end(self, function: object) -> None:
        """A fixture that ends with this test was set up."""
        self._ends.append(function)

    def begin_ends(self, is_any_shared_over: bool) -> bool:
        """The fixtures of this test are about to be finalized: whether to look closely between them."""
        self._is_end_due = is_any_shared_over or any(self.are_due("teardown", function) for function in self._ends)
        return self._is_end_due

    def are_due_at_end(self, function: object) -> bool:
        """Whether the teardown of this fixture is to be looked at."""
        return self._is_end_due and self.are_due("teardown", function)

    def end_test(self) -> None:
        """The test is over."""
        self._ends.clear()
        self._is_end_due = True
