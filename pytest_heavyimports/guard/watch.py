"""Displacements of kept modules in ``sys.modules``, and their owners. Changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..facts.places import Place


class Owner(NamedTuple):
    """During what modules were displaced: a file's collection, a fixture, a test, or what came before them."""

    kind: str
    """``start``, ``file``, ``fixture``, ``test`` or ``session``."""
    place: Place
    number: int = 0
    """Tells apart two set-ups of one fixture."""


class Displacement(NamedTuple):
    """A module that is missing from ``sys.modules``, or has something else in its place."""

    fullname: str
    fake: Any
    """What is in its place; ``None`` where it is missing."""
    owner: Owner


class Watch:
    """
    Compares at checkpoints, and remembers who was acting when a module was first seen displaced.

    A displacement that is undone before its owner ends was nobody's business.
    """

    def __init__(
        self, actor: Owner, *, has_changed: Callable[[], bool], displaced: Callable[[], dict[str, Any]]
    ) -> None:
        """
        Args:
            actor: Who is acting now.
            has_changed: Whether any package is another object than when *displaced* was last asked; asked at each
                checkpoint, so it must be fast.
            displaced: Looks at every module: the displaced ones, with what is in their place.
        """
        self.actor = actor
        self._has_changed = has_changed
        self._displaced = displaced
        self._known: dict[str, tuple[Any, Owner]] = {}
        self._lock = threading.RLock()

    def check(self, *, every_module: bool = False, actor: Owner | None = None) -> None:
        """A checkpoint: what is newly displaced belongs to *actor*, by default to whoever is acting now."""
        if not (every_module or self._has_changed()):
            return
        with self._lock:
            displaced = self._displaced()
            known, newcomer = self._known, (None, actor or self.actor)
            self._known = {name: (fake, known.get(name, newcomer)[1]) for name, fake in displaced.items()}

    @contextmanager
    def acting(self, owner: Owner, *, every_module: bool = False) -> Iterator[None]:
        """What is displaced inside belongs to *owner*."""
        self.check(every_module=every_module)
        outer, self.actor = self.actor, owner
        try:
            yield
        finally:
            self.check(every_module=every_module)
            self.actor = outer

    def owner_of(self, fullname: str) -> Owner | None:
        """Who displaced a module; ``None`` where it is not displaced now, or that is not to be judged."""
        self.check(every_module=True)
        known = self._known.get(fullname)
        return known[1] if known else None

    def end(self, *owners: Owner) -> list[Displacement]:
        """The owners have ended: what they have left displaced. It is forgotten here, and to be put back."""
        if any(owner in owners for _, owner in list(self._known.values())):
            self.check(every_module=True)  # it may have been undone since
        with self._lock:
            left = [Displacement(name, *known) for name, known in self._known.items() if known[1] in owners]
            for displacement in left:
                del self._known[displacement.fullname]
        return left
