"""The section ``heavy imports`` at the end of the terminal output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..facts.names import is_within, root
from ..facts.records import Autoloaded, FakeKept, Leak, Reimport, Reload
from .figures import memory, percent, seconds
from .model import parts_of

if TYPE_CHECKING:
    from typing import Protocol

    from ..facts.ledger import Event
    from .model import Module, Report

    class Writer(Protocol):
        """What is asked of pytest's terminal reporter."""

        def write_sep(self, sep: str, title: str) -> None:
            """A line with a title, full width."""

        def write_line(self, line: str, **markup: bool) -> None:
            """One line of text."""


WIDEST_ERROR = 80
TRIFLE_US = 50_000
PARTS = 5
PART_US = 10_000
INDENTED = "    "


class Line(NamedTuple):
    """A line of the section, and its colour: a word of pytest's, or an empty text."""

    text: str
    colour: str = ""


def write_section(writer: Writer, lines: Sequence[Line]) -> None:
    """Write the lines under a title; nothing where there are none."""
    if lines:
        writer.write_sep("=", "heavy imports")
        for line in lines:
            writer.write_line(line.text, **({line.colour: True} if line.colour else {}))


def section_lines(report: Report, *, verbosity: int = 0, hint: str = "", width: int | None = None) -> Iterator[Line]:
    """
    The lines of the section.

    Args:
        report: What is told.
        verbosity: pytest's: below 0 a short line for each import; above it what each consists of, and who led to it.
        hint: What would have saved most, or an empty text.
        width: That of the terminal: what doesn't fit is told in two lines. ``None`` where there is no terminal.
    """
    modules = [module for module in report.modules if not _is_trifle(module, report)]
    if verbosity < 0:
        yield from _in_short(modules)
    else:
        yield from _at_length(modules, report, verbosity, width)
    for account in report.accounts:
        for _, event in account.events:
            yield from _event_lines(event, f"{account.name}: " if account.name else "")
        if account.died:
            told = "what it did after its last test's report is not known"
            yield Line(f"{account.name} died ({account.died}): {told}", "red")
    if verbosity >= 0 and report.collection_heavy_us >= TRIFLE_US:
        light_us = report.collection_us - report.collection_heavy_us
        yield Line(f"collection took {seconds(report.collection_us)}, {seconds(light_us)} without these imports")
    if hint and verbosity >= 0:
        yield Line(f"hint: {hint}", "bold")


def hidden_lines(texts: Sequence[str], by: str) -> Iterator[Line]:
    """The lines on warnings of the guard that pytest doesn't show, and why it doesn't."""
    if texts:
        yield Line(f"{len(texts)} warning{'s' if len(texts) > 1 else ''} of the guard, hidden by {by}:", "yellow")
    for text in texts:
        for line in text.splitlines():
            yield Line(f"{INDENTED}{line}")


def _in_short(modules: Sequence[Module]) -> Iterator[Line]:
    """A line for each module whose cost is in no other one's."""
    for module in modules:
        if not module.within:
            cost = f"{module.fullname} {seconds(module.cumulative_us)}".rstrip()
            yield Line(f"imported: {cost}, first: {_first(module)}{_failure(module)}", "red" if module.error else "")


def _at_length(modules: Sequence[Module], report: Report, verbosity: int, width: int | None) -> Iterator[Line]:
    names = [f"{module.fullname} {module.version}".rstrip() for module in modules]
    widest = max(map(len, names), default=0)
    for name, module in zip(names, modules):
        cost = f"{seconds(module.cumulative_us):>8}  {percent(module.share):>5}  {memory(module.rss_bytes):>9}"
        head, tail = f"{name:<{widest}}  {cost}", f"first: {_first(module)}{_failure(module)}"
        if width is None or len(head) + 2 + len(tail) <= width:
            yield Line(f"{head}  {tail}", "red" if module.error else "")
        else:
            yield Line(head, "red" if module.error else "")
            yield Line(f"{INDENTED}{tail}")
        if verbosity > 0:
            yield from _details(module, report)


def _first(module: Module) -> str:
    worker = f"{module.process}, " if module.process else ""
    is_part = is_within(module.fullname, module.within)
    by = "" if not module.chain else module.chain[-1] if is_part or not module.within else module.within
    workers = f"; in {len(module.processes)} processes" if len(module.processes) > 1 else ""
    return f"{worker}{module.first}{f', by {by}' if by else ''}{workers}"


def _details(module: Module, report: Report) -> Iterator[Line]:
    if module.chain:
        yield Line(f"{INDENTED}by way of {' > '.join(module.chain)}")
    if module.within:
        return
    tree = report.trees[module.process]
    parts = [(node.load.fullname, node.cumulative_us, node.rss_bytes) for node in parts_of(tree, module.numbers)]
    own = [tree[number] for number in module.numbers]
    parts += [(f"{node.load.fullname} itself", node.self_us, node.rss_self_bytes) for node in own]
    parts = sorted((part for part in parts if part[1] >= PART_US), key=lambda part: -part[1])[:PARTS]
    widest = max((len(name) for name, _, _ in parts), default=0)
    for name, us, rss in parts:
        yield Line(f"{INDENTED}{name:<{widest}}  {seconds(us):>8}  {memory(rss):>9}")


def _event_lines(event: Event, worker: str) -> Iterator[Line]:
    """Who did it, what, and what became of it."""
    if isinstance(event, Reload):
        yield _acted(worker, event.place, f"reload of {event.fullname}", event.refused, "ignored")
    elif isinstance(event, Reimport):
        taken_by = f"{event.fullname} imported again, taken by {event.taken_by}"
        yield _acted(worker, event.place, taken_by, event.refused, "given back")
    elif isinstance(event, Autoloaded):
        cost = ", ".join(filter(None, (seconds(round(event.duration_s * 1e6)), memory(event.rss_growth_bytes))))
        of = f" of {event.distribution}" if event.distribution else ""
        brought = f", with {', '.join(event.packages)}" if event.packages else ""
        yield Line(f"{worker}torch has loaded the backend {event.name}{of} unasked: {cost}{brought}")
        yield Line(f"{INDENTED}With TORCH_DEVICE_BACKEND_AUTOLOAD=0 it does not.")
    elif isinstance(event, FakeKept):
        became = "left alone" if event.is_left else "taken out"
        holders = ", ".join(event.fullnames)
        yield Line(f"{worker}{event.owner}: put in a fake of {event.fake}, kept by {holders}: {became}", "yellow")
    elif isinstance(event, Leak):
        more = f" and {len(event.fullnames) - 1} more" if len(event.fullnames) > 1 else ""
        what, became = f"left {event.fullnames[0]}{more} displaced", "put back"
        if event.is_fake:
            what, became = f"left a fake of {event.fullnames[0]}{more}", "taken away"
        became = "left alone" if event.is_tolerated else became
        yield Line(f"{worker}{event.owner}: {what}: {became}", "yellow")
        for line in event.remedy.splitlines():
            yield Line(f"{INDENTED}{line}")


def _acted(worker: str, place: object, what: str, refused: bool, otherwise: str) -> Line:
    return Line(f"{worker}{place}: {what}: {'refused' if refused else otherwise}", "red" if refused else "yellow")


def _is_trifle(module: Module, report: Report) -> bool:
    """A part of a package that was told already, imported later, and quickly."""
    is_part = module.fullname != root(module.fullname) and root(module.fullname) in {
        other.fullname for other in report.modules
    }
    return is_part and not module.error and module.cumulative_us is not None and module.cumulative_us < TRIFLE_US


def _failure(module: Module) -> str:
    error = module.error.partition("\n")[0]
    shown = error if len(error) <= WIDEST_ERROR else f"{error[: WIDEST_ERROR - 3]}..."
    return f"; failed: {shown}" if error else ""
