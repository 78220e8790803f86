"""From a run to what it suffers from and what helps. Every figure and every choice is made here."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..facts.names import is_within, root
from .costs import OWN, ImportCost, Tree, chain_of, costs_of, kind_of
from .needs import Edge, WhoNeeds
from .records import Break, Diagnosis, Remedy, SeenRun, Slow

if TYPE_CHECKING:
    from ..facts.records import Sighting

SLOW_US = 100_000
"""From this on an import is slow."""
WORTH_US = 100_000
"""What saves less is no remedy."""
WARM_SHARE = 0.9
"""How much of the start of an interpreter with pytest and its plugins a warm run saves: the client starts, too."""
LONGEST = 40
"""Characters of pytest's arguments that are repeated; a command that is cut can't be pasted."""
SEVERITY = {"again": 0, "reload": 1, "fake": 2, "left": 3}


def diagnose(run: SeenRun, is_installed: Callable[[str], bool], *, has_lazy: bool) -> Diagnosis:
    """
    What is found, most valuable first.

    Args:
        run: The run.
        is_installed: Whether a top-level package is installed, and no code under test.
        has_lazy: Whether Python has ``lazy import``.
    """
    kind = kind_of(run.own, lambda name: name in run.installed or is_installed(name))
    needs = WhoNeeds(run.items, run.own, run.conftests, run.fixtures, run.declared)
    found = {process.name: costs_of(process.tree, kind) for process in run.processes}
    slow = sorted(_slow(run, found, kind, needs), key=lambda each: -each.us)
    remedies = [each for each in _remedies(run, found, slow, has_lazy=has_lazy) if each.saves_us >= WORTH_US]
    return Diagnosis(
        run,
        tuple(_breaks(run.sights)),
        tuple(slow),
        tuple(sorted(remedies, key=lambda remedy: (not remedy.is_always, -remedy.saves_us))),
        tuple(_useless(run, slow)),
        max((_total_us(process.tree) for process in run.processes), default=0),
    )


def _breaks(sights: Iterable[Sighting]) -> list[Break]:
    """One for each who did it, the worst first."""
    grouped: dict[tuple[str, str], list[Sighting]] = {}
    for seen in sights:
        # A test that has parameters, and a fixture that many tests use, does it by one statement.
        grouped.setdefault((seen.owner.line or str(seen.owner), seen.how), []).append(seen)
    breaks = []
    for group in grouped.values():
        worst = min(group, key=lambda seen: SEVERITY[seen.kind])
        again = tuple(dict.fromkeys(seen.again for seen in group if seen.again))
        modules = tuple(dict.fromkeys(seen.fullnames[0] for seen in group))
        times = sum(seen.kind == worst.kind for seen in group)
        remedy = next((seen.remedy for seen in group if seen.remedy), "")
        breaks.append(Break(modules, worst.kind, str(group[0].owner), worst.how, again, times, remedy))
    return sorted(breaks, key=lambda each: (SEVERITY[each.kind], -each.times))


def _slow(
    run: SeenRun, found: dict[str, list[ImportCost]], kind: Callable[[str], str], needs: WhoNeeds
) -> Iterator[Slow]:
    trees = {process.name: process.tree for process in run.processes}
    rows: dict[tuple[str, bool], list[tuple[str, ImportCost]]] = {}
    for process, costs in found.items():
        for cost in costs:
            rows.setdefault((cost.name, cost.is_own), []).append((process, cost))
    for (name, is_own), costs_there in rows.items():
        process, cost = max(costs_there, key=lambda each: each[1].us)
        if cost.us < SLOW_US:
            continue
        edge, first = _first(run, trees[process], cost, kind, needs)
        # What a plugin or pytest imports, every run needs.
        nodeid = _nodeid(trees[process], cost)
        is_asked_for = bool(edge) or is_own or bool(nodeid)
        tests = needs.tests(name) if is_asked_for else list(run.items)
        # What a test imports by a way that its file doesn't show.
        tests += [item for item in run.items if item.nodeid == nodeid and item not in tests]
        # What a test file imports at its top, its tests use.
        is_movable = edge is not None and not any(item.file == edge[0] for item in run.items)
        without = needs.tests(name, without=edge) if is_movable else tests
        yield Slow(
            _shown_name(run, name, is_own=is_own),
            is_own,
            cost.us,
            len(costs_there),
            first,
            len(tests),
            len(without),
            nodeid,
            any(is_within(declared, name) or is_within(name, declared) for declared in run.declared.values()),
        )


def _nodeid(tree: Tree, cost: ImportCost) -> str:
    """The test that imported it first; empty where that was none."""
    chain = (cost.number, *chain_of(tree, cost.number))
    place = next((place for number in chain if (place := tree[number].get("place"))), None)
    return str(place["nodeid"]) if place and place["phase"] != "collect" else ""


def _first(
    run: SeenRun, tree: Tree, cost: ImportCost, kind: Callable[[str], str], needs: WhoNeeds
) -> tuple[Edge | None, str]:
    """The statement that first imported it, where that is the project's own, and the same for people."""
    chain = chain_of(tree, cost.number)
    importer = next((above for above in chain if kind(tree[above]["fullname"]) == OWN), None)
    if importer is not None:
        file = run.own.get(tree[importer]["fullname"])
        edge = needs.statement(file, cost.name) if file else None
        if edge:
            return edge, f"{_shown(run, edge[0])}:{edge[1]}"
    place = next((place for number in (cost.number, *chain) if (place := tree[number].get("place"))), None)
    if place is None:
        return None, ""
    if place["line"]:
        file, _, line = place["line"].rpartition(":")
        absolute = os.path.normpath(os.path.join(run.root, file))
        if absolute in run.own.values() or absolute in run.conftests:
            return (absolute, int(line)), place["line"]
    return None, _by_plugin(place["line"]) or place["text"]


def _by_plugin(line: str) -> str:
    """Whose installed file a statement stands in: nobody is interested in the line."""
    _, is_there, rest = line.rpartition(f"{os.sep}site-packages{os.sep}")
    name = root(rest.partition(os.sep)[0].removesuffix(".py"))
    return "" if not is_there else "pytest" if name == "_pytest" else f"plugin {name}"


def _shown(run: SeenRun, file: str) -> str:
    return os.path.relpath(file, run.root) if file.startswith(run.root + os.sep) else file


def _shown_name(run: SeenRun, name: str, *, is_own: bool) -> str:
    """A test file, or a ``conftest.py``, by its path: nobody knows it by the name of its module."""
    file = run.own.get(name, "") if is_own else ""
    is_tests = file in run.conftests or any(item.file == file for item in run.items)
    return _shown(run, file) if is_tests else name


def _total_us(tree: Tree) -> int:
    return sum(load["cumulative_us"] for load in tree if load["importer"] < 0)


def _installed_us(costs: Sequence[ImportCost]) -> int:
    return sum(cost.us for cost in costs if not cost.is_own)


def _remedies(
    run: SeenRun, found: dict[str, list[ImportCost]], slow: Sequence[Slow], *, has_lazy: bool
) -> Iterator[Remedy]:
    yield from _warm(run, found)
    yield from _selecting(run, slow)
    for each in slow:
        freed = each.tests - each.tests_without
        if freed:
            how = "lazily, or " if has_lazy else ""
            why = f"in runs of the {count(freed, 'test')} that need it by this alone"
            yield Remedy(each.us, f"{each.first}: import {each.name} {how}in the functions that use it", why)
        if each.is_own and not each.name.endswith(".py"):  # pytest compiles a test file that was changed
            what = f"{each.name}: compute in functions what it computes at its top"
            yield Remedy(each.us, what, "in each run, where no test uses it", True)


def _warm(run: SeenRun, found: dict[str, list[ImportCost]]) -> Iterator[Remedy]:
    """Processes that have the installed packages imported before the run."""
    installed_us = [sum(cost.us for cost in costs if not cost.is_own) for costs in found.values()]
    most_us = max(installed_us, default=0)
    tail = "".join(f" {shlex.quote(argument)}" for argument in run.arguments)
    if len(tail) > LONGEST:
        tail = " [the same arguments]"
    if not run.has_workers:
        startup_us = round((run.startup_s or 0) * 1e6 * WARM_SHARE)
        why = f"in each run once it is warm: imports {seconds(most_us)}, start {seconds(startup_us)}"
        yield Remedy(most_us + startup_us, f"heavyimports run{tail}", why, True)
    elif not run.has_warm:
        importing = sum(2 * us > most_us for us in installed_us)
        why = f"in each run once it is warm: {count(importing, 'process', 'es')} import for {seconds(most_us)} each"
        yield Remedy(most_us, f"pytest{tail} --heavy-warm", why, True)


def _selecting(run: SeenRun, slow: Sequence[Slow]) -> Iterator[Remedy]:
    """Runs of the tests that need nothing heavy."""
    number = len(run.items)
    heavy = {item.nodeid for item in run.items if item.is_heavy}
    some = [each for each in slow if not each.is_own and each.tests < number]
    marked = [each for each in some if each.nodeid in heavy and each.tests <= len(heavy)]
    if marked:
        why = f"in runs of the {count(number - len(heavy), 'test')} that don't need {_names(marked)}"
        yield Remedy(sum(each.us for each in marked), "pytest -m 'not heavy'", why)
    for each in some:
        if not each.nodeid:  # else it is imported when it is needed, and not before
            why = f"in runs of the {count(number - each.tests, 'test')} that don't need {each.name}, by -k or --lf"
            yield Remedy(each.us, "pytest --heavy-defer", why)


def _useless(run: SeenRun, slow: Sequence[Slow]) -> Iterator[Remedy]:
    everybody = [each for each in slow if each.tests == len(run.items) and not each.is_own]
    if everybody and run.items:
        yield Remedy(0, "-m 'not heavy', --heavy-defer", f"each test needs {_names(everybody)}")
    own = [each for each in slow if each.is_own and not each.name.endswith(".py")]
    if own:
        yield Remedy(0, "a warm run, --heavy-defer", f"your own code stays as it is: {_names(own)}")


def _names(slow: Sequence[Slow]) -> str:
    return ", ".join(each.name for each in slow)


def count(number: int, what: str, ending: str = "s") -> str:
    """So many of something."""
    return f"{number} {what}{'' if number == 1 else ending}"


def seconds(us: int) -> str:
    """For people."""
    return f"{us / 1e6:.2f} s"
