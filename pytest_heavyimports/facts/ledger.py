"""What happened to each heavy module, in order. Sums are made by ``report``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Union

from .measure import Cost
from .names import lineage
from .places import INHERITED, WARM, Place
from .records import Autoloaded, FakeKept, Forgotten, Import, Leak, Reimport, Reload, Warned

Event = Union[Autoloaded, FakeKept, Import, Leak, Reimport, Reload, Warned, Forgotten]  # noqa: UP007  # 3.10 has no | for these


class Ledger:
    """The events of one session, oldest first. What it does is atomic, so threads may record."""

    def __init__(self, clock: Callable[[], int] = lambda: 0) -> None:
        """*clock* tells when an event is recorded; see ``measure.Clock``."""
        self._clock = clock
        self._events: list[tuple[int, Event]] = []
        self._first: dict[str, Import] = {}

    def __iter__(self) -> Iterator[Event]:
        return iter([event for _, event in tuple(self._events)])

    @property
    def number(self) -> int:
        """How many events there are."""
        return len(self._events)

    def since(self, number: int) -> list[tuple[int, Event]]:
        """The events after the first *number*, each with its time."""
        return self._events[number:]

    def record(self, event: Event) -> None:
        """Add *event* at the end. An import that a warm process has made was made there, and its cost is not known."""
        if isinstance(event, Import) and event.fullname in INHERITED and not event.error:
            event = Import(event.fullname, WARM)
        self._events.append((self._clock(), event))
        if isinstance(event, Import):
            self._first.setdefault(event.fullname, event)
        elif isinstance(event, Forgotten):
            for fullname in event.fullnames:
                self._first.pop(fullname, None)

    @contextmanager
    def importing(
        self,
        fullname: str,
        place: Place,
        around: Callable[[str], AbstractContextManager[object]],
        *,
        is_measured: bool = True,
        is_recorded: Callable[[BaseException | None], bool] = lambda _: True,
    ) -> Iterator[None]:
        """
        Around an import: record where it is made, what it costs, and how it fails.

        Args:
            fullname: The module.
            place: Where.
            around: Called with the name, and entered as well; what that takes is not counted.
            is_measured: False for a module that was there before, whose cost is not known.
            is_recorded: Told the error, or ``None``, when the import has ended.
        """
        cost, error, is_wanted = Cost(), "", True
        try:
            with around(fullname), cost:
                yield
            is_wanted = is_recorded(None)
        except BaseException as raised:
            error, is_wanted = repr(raised), is_recorded(raised)
            raise
        finally:
            if is_wanted:
                known = Import(fullname, place, error=error)
                if is_measured:
                    known = known._replace(duration_s=cost.duration_s, rss_growth_bytes=cost.rss_growth_bytes)
                self.record(known)

    def imports(self) -> list[Import]:
        """The imports, oldest first."""
        return [event for event in self if isinstance(event, Import)]

    def import_of(self, fullname: str) -> Import | None:
        """The first import of *fullname* itself; ``None`` if it was not seen."""
        return self._first.get(fullname)

    def first_import(self, fullname: str) -> Import | None:
        """The import that brought *fullname* in: its own or its nearest recorded parent's; ``None`` if unseen."""
        return next(filter(None, map(self.import_of, lineage(fullname))), None)
