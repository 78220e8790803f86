"""What one process has seen, as it goes from a worker to the controller, and into the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..records import as_plain, from_plain

if TYPE_CHECKING:
    from ..ledger import Event
    from ..records import Load, Phase


@dataclass
class Account:
    """The events, loads and tests of one process, oldest first."""

    name: str = ""
    """That of pytest-xdist's worker, or ``controller``; empty where there is one process."""
    epoch_s: float = 0.0
    """When it began."""
    duration_us: int = 0
    collection_begin_us: int = 0
    collection_us: int = 0
    """How long it has collected."""
    died: str = ""
    """Of what, where it died before it could give all of this."""
    events: list[tuple[int, Event]] = field(default_factory=list)
    """Each with the microseconds since the beginning."""
    loads: list[Load] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)

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
