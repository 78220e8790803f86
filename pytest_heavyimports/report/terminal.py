"""The section ``heavy imports`` at the end of the terminal output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from ..names import root
from ..records import Import, Leak, Reimport, Reload

if TYPE_CHECKING:
    from ..ledger import Ledger

WIDEST_ERROR = 80
TRIFLE_S = 0.05


class Writer(Protocol):
    """What is asked of pytest's terminal reporter."""

    def write_sep(self, sep: str, title: str) -> None:
        """A line with a title, full width."""

    def write_line(self, line: str) -> None:
        """One line of text."""


def write_section(writer: Writer, ledger: Ledger) -> None:
    """Write what was imported and what the guard did; nothing where neither was the case."""
    lines = list(section_lines(ledger))
    if lines:
        writer.write_sep("=", "heavy imports")
        for line in lines:
            writer.write_line(line)


def section_lines(ledger: Ledger) -> Iterator[str]:
    """A line for each import and each reload that was not carried out, oldest first."""
    imports = ledger.imports()
    width = max((len(event.fullname) for event in imports), default=0)
    for event in ledger:
        if isinstance(event, Import):
            if _is_trifle(event, ledger):
                continue
            yield f"{event.fullname:<{width}}  {_cost(event)}  first: {event.place}{_failure(event)}"
        elif isinstance(event, Reload):
            what = "reload refused" if event.refused else "reload ignored"
            yield f"{event.fullname}: {what}: {event.place}"
        elif isinstance(event, Reimport):
            what = "re-import refused" if event.refused else "given back"
            yield f"{event.fullname}: {what}: {event.place}; taken by {event.taken_by}"
        elif isinstance(event, Leak):
            what = "put back"
            if event.is_fake:
                what = "fake left alone" if event.is_tolerated else "fake taken away"
            more = f" and {len(event.fullnames) - 1} more" if len(event.fullnames) > 1 else ""
            by = "by " if event.owner.nodeid or event.owner.fixture else ""
            yield f"{event.fullnames[0]}{more}: {what}: left {by}{event.owner}"


def _is_trifle(event: Import, ledger: Ledger) -> bool:
    """A part of a package that was told already, imported later, and quickly."""
    is_part = event.fullname != root(event.fullname) and ledger.import_of(root(event.fullname)) is not None
    return is_part and not event.error and event.duration_s is not None and event.duration_s < TRIFLE_S


def _cost(event: Import) -> str:
    seconds = "" if event.duration_s is None else f"{event.duration_s:.2f} s"
    growth = event.rss_growth_bytes
    memory = "" if growth is None else f"{growth / 2**20:+.0f} MiB"
    return f"{seconds:>8}  {memory:>9}"


def _failure(event: Import) -> str:
    error = event.error.partition("\n")[0]
    shown = error if len(error) <= WIDEST_ERROR else f"{error[: WIDEST_ERROR - 3]}..."
    return f"; failed: {shown}" if error else ""
