"""What imports may cost: the lines of ``heavy_budget``, and which of them a run has overdrawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..facts.names import is_dotted, is_within, lineage
from ..facts.records import Import
from .figures import memory, seconds
from .model import cost_of, heavy_us, outermost_heavy, parts_of

if TYPE_CHECKING:
    from .account import Account
    from .model import Node, Report

TOTAL = "total"
UNITS = {"ms": 1e3, "s": 1e6, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
"""In microseconds, or in bytes."""
PARTS = 5
_LINE = re.compile(r"([^<]*?)\s*<\s*(\d+(?:\.\d+)?)\s*(\w+)")


class Budget(NamedTuple):
    """One line."""

    name: str
    """A module, with everything in it and everything that it brings in; or ``total``: all heavy modules."""
    limit: float
    """Microseconds or bytes."""
    is_time: bool
    text: str
    source: str


class Part(NamedTuple):
    """What a module took that another one imported."""

    fullname: str
    figure: int
    before: int | None
    """In the last run; ``None`` where that is not known."""


class Overdraft(NamedTuple):
    """A budget that a process has overdrawn."""

    budget: Budget
    figure: int
    process: str
    parts: tuple[Part, ...]
    """The largest first."""


Figures = dict[str, dict[str, int]]
"""By line, and by module: what the parts of a run took."""


def read_budgets(lines: Iterable[str], source: str) -> tuple[tuple[Budget, ...], list[str]]:
    """The budgets, and a sentence on each line that can't be read."""
    budgets, faults = [], []
    for number, line in enumerate(lines, 1):
        where = f"{source}, line {number} of heavy_budget"
        match = _LINE.fullmatch(line.strip())
        if match is None or not is_dotted(match[1]):
            faults.append(f"heavy_budget: {line!r} can't be read ({where}). Write it as 'torch < 3 s'.")
        elif match[3] not in UNITS:
            units = ", ".join(UNITS)
            faults.append(f"heavy_budget: {line!r} can't be read: {match[3]!r} is none of {units} ({where}).")
        else:
            is_time = UNITS[match[3]] in (1e3, 1e6)
            budgets.append(Budget(match[1], float(match[2]) * UNITS[match[3]], is_time, line.strip(), where))
    return tuple(budgets), faults


def mistyped(budgets: Iterable[Budget], declared: Iterable[str], is_found: Callable[[str], bool]) -> Iterator[str]:
    """
    The budgets of modules that aren't there, where a declared one with nearly that name is: a sentence on each.

    Args:
        budgets: The budgets.
        declared: The names of modules. Others may have a budget too.
        is_found: Whether a module is there.
    """
    names = sorted(set(declared))
    for budget in budgets:
        if budget.name != TOTAL and not any(is_within(budget.name, name) for name in names):
            import difflib  # here, because few budgets are of modules that aren't declared

            near = difflib.get_close_matches(budget.name, names, n=1, cutoff=0.8)
            if near and is_found(near[0]) and not is_found(budget.name):
                yield f"heavy_budget: there is no module {budget.name!r} ({budget.source}). Did you mean {near[0]!r}?"


def overdrafts(
    budgets: Iterable[Budget], report: Report, names: Iterable[str], last: Mapping[str, Mapping[str, int]]
) -> list[Overdraft]:
    """
    The budgets that are overdrawn. Each holds for every process by itself; the one that took most is told.

    Args:
        budgets: As they were read.
        report: Of this run.
        names: The heavy modules, which are the total.
        last: The :func:`figures_of` the last run.
    """
    heavy = frozenset(names)
    found = []
    for budget in budgets:
        process = max(report.trees, key=lambda process: _spent(budget, report.trees[process], heavy))
        tree = report.trees[process]
        spent = _spent(budget, tree, heavy)
        if spent >= budget.limit:
            before = last.get(budget.text, {})
            parts = [Part(name, figure, before.get(name)) for name, figure in _parts(budget, tree, heavy)]
            found.append(Overdraft(budget, spent, process, tuple(parts[:PARTS])))
    return found


def unchecked(budgets: Iterable[Budget], report: Report, names: Iterable[str]) -> Iterator[str]:
    """
    The budgets that can't be checked, since a process has a module that it has not measured: a sentence on each.

    Args:
        budgets: Those that are not overdrawn.
        report: Of this run.
        names: The heavy modules, which are the total.
    """
    heavy = frozenset(names)
    for budget in budgets:
        for account in report.accounts:
            found = [
                (name, where)
                for name, where in _unmeasured(account, report.trees[account.name])
                if (name in heavy if budget.name == TOTAL else is_within(name, budget.name))
            ]
            if found:
                name, where = found[0]
                first = ", ".join(filter(None, (account.name, where)))
                yield f"not checked: {budget.text}: {name!r} was not measured, first: {first} ({budget.source})"
                break


def _unmeasured(account: Account, tree: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """Modules that a process has, and hasn't measured: imported before it began, or in another process of its own."""
    loaded = {node.load.fullname for node in tree}
    recorded = [(event.fullname, str(event.place)) for _, event in account.events if isinstance(event, Import)]
    for name, where in [*recorded, *account.unmeasured]:
        if loaded.isdisjoint(lineage(name)):
            yield name, where


def figures_of(budgets: Iterable[Budget], report: Report, names: Iterable[str]) -> Figures:
    """What the parts of each budget took in that process where it took most, to be compared by the next run."""
    heavy = frozenset(names)
    return {
        budget.text: dict(
            _parts(budget, max(report.trees.values(), key=lambda tree: _spent(budget, tree, heavy)), heavy)
        )
        for budget in budgets
    }


def overdraft_lines(overdraft: Overdraft) -> Iterator[str]:
    """For people: what was overdrawn, and by what."""
    budget = overdraft.budget
    shown = seconds if budget.is_time else memory
    process = f" in {overdraft.process}" if overdraft.process else ""
    yield f"over budget: {budget.text}: it took {shown(overdraft.figure)}{process} ({budget.source})"
    width = max((len(part.fullname) for part in overdraft.parts), default=0)
    for part in overdraft.parts:
        before = "" if part.before is None else f"  last time {shown(part.before)}"
        yield f"  {part.fullname:<{width}}  {shown(part.figure):>9}{before}"


def _spent(budget: Budget, tree: Sequence[Node], heavy: frozenset[str]) -> int:
    if budget.name == TOTAL and budget.is_time:
        return heavy_us(tree, heavy)
    if budget.name == TOTAL:
        return sum(tree[number].rss_bytes or 0 for number in outermost_heavy(tree, heavy))
    us, rss, _ = cost_of(tree, budget.name)
    return us if budget.is_time else rss or 0


def _parts(budget: Budget, tree: Sequence[Node], heavy: frozenset[str]) -> list[tuple[str, int]]:
    """The heavy modules that a total is made of; of a module what it imports, and what is left of it itself."""
    is_total = budget.name == TOTAL
    outer = outermost_heavy(tree, heavy) if is_total else cost_of(tree, budget.name)[2]
    nodes = [tree[number] for number in outer]
    parts = [(node.load.fullname, _figure(budget, node)) for node in (nodes if is_total else parts_of(tree, outer))]
    if not is_total:
        parts += [(f"{node.load.fullname} itself", _figure(budget, node, is_self=True)) for node in nodes]
    return sorted(parts, key=lambda part: -part[1])


def _figure(budget: Budget, node: Node, *, is_self: bool = False) -> int:
    if budget.is_time:
        return node.self_us if is_self else node.cumulative_us
    return (node.rss_self_bytes if is_self else node.rss_bytes) or 0
