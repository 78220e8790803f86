"""What one process has seen, as it goes from a worker to the controller, and into the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..facts.records import as_plain, from_plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..facts.ledger import Event
    from ..facts.records import Load, Phase


class Account:
    """The events, loads and tests of one process, oldest first."""

    # No dataclass: it takes a millisecond to define, and nearly every run with heavy modules has one.
    def __init__(
        self,
        name: str = "",
        epoch_s: float = 0.0,
        duration_us: int = 0,
        collection_begin_us: int = 0,
        collection_us: int = 0,
        died: str = "",
        events: Iterable[tuple[int, Event]] = (),
        loads: Iterable[Load] = (),
        phases: Iterable[Phase] = (),
        unmeasured: Iterable[tuple[str, str]] = (),
    ) -> None:
        """
        Args:
            name: That of pytest-xdist's worker, or ``controller``; empty where there is one process.
            epoch_s: When it began.
            duration_us: How long it has taken so far.
            collection_begin_us: When it began to collect.
            collection_us: How long it has collected.
            died: Of what, where it died before it could give all of this.
            events: Each with the microseconds since the beginning.
            loads: The tree of imports, as it was measured.
            phases: The parts of the tests.
            unmeasured: Modules with a budget that were there before anything was measured, each with where it came in.
        """
        self.name = name
        self.epoch_s = epoch_s
        self.duration_us = duration_us
        self.collection_begin_us = collection_begin_us
        self.collection_us = collection_us
        self.died = died
        self.events = list(events)
        self.loads = list(loads)
        self.phases = list(phases)
        self.unmeasured = list(unmeasured)

    def add(self, plain: dict[str, Any]) -> None:
        """Take what the process has given by :func:`as_values` since the last time."""
        for name, value in plain.items():
            if isinstance(value, list):
                getattr(self, name).extend(from_plain(value))
            else:
                setattr(self, name, value)


def as_values(account: Account) -> dict[str, Any]:
    """An account, or what is new in it, in texts, numbers, lists and dicts alone: what other processes can be told."""
    return {name: as_plain(value) for name, value in vars(account).items() if value}
