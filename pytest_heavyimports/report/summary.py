"""The totals for other readers: properties of a JUnit file's suite, and a table in GitHub's summary of a job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .figures import memory, percent, seconds
from .model import GUARD_EVENTS

if TYPE_CHECKING:
    from .model import Report


def properties(report: Report) -> Iterator[tuple[str, str]]:
    """Names and values, with the unit in each name."""
    for module in report.modules:
        if module.cumulative_us is not None:
            yield f"heavyimports.{module.fullname}.seconds", f"{module.cumulative_us / 1e6:.6f}"
        if module.rss_bytes is not None:
            yield f"heavyimports.{module.fullname}.rss_bytes", str(module.rss_bytes)
    yield "heavyimports.total.seconds", f"{report.heavy_us / 1e6:.6f}"
    yield "heavyimports.guard.events", str(guard_events(report))


def markdown(report: Report, hint: str) -> str:
    """A short table, and the hint."""
    rows = [("module", "version", "time", "share of the run", "memory", "first import")]
    rows += [
        (
            f"`{module.fullname}`",
            module.version,
            seconds(module.cumulative_us),
            percent(module.share),
            memory(module.rss_bytes),
            f"{module.first}{f', by `{module.within}`' if module.within else ''}".replace("|", "\\|"),
        )
        for module in report.modules
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, f"|{' --- |' * len(rows[0])}")
    acted = guard_events(report)
    if acted:
        lines += ["", f"The guard acted {acted} {'time' if acted == 1 else 'times'}."]
    return "\n".join(["### Heavy imports", "", *lines, *(["", hint] if hint else []), "", ""])


def guard_events(report: Report) -> int:
    """How often the guard acted, in all processes."""
    return sum(isinstance(event, GUARD_EVENTS) for account in report.accounts for _, event in account.events)
