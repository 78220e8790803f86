"""What the report tells: every sum and every choice of figures is made here, and nowhere else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..facts.names import is_within, lineage, root
from ..facts.places import Place
from ..facts.records import FakeKept, Forgotten, Import, Leak, Reimport, Reload

if TYPE_CHECKING:
    from ..facts.ledger import Event
    from ..facts.records import Load
    from .account import Account

GUARD_EVENTS = (FakeKept, Leak, Reimport, Reload)
MAIN_THREAD = "MainThread"


class Node(NamedTuple):
    """A load with its sums. Those of the memory are ``None`` where the system doesn't tell, or tracemalloc is off."""

    load: Load
    cumulative_us: int
    """With everything that it imported."""
    self_us: int
    """Without."""
    rss_bytes: int | None
    """Growth of the resident set, with everything that it imported."""
    rss_self_bytes: int | None
    traced_bytes: int | None
    """Growth of what Python has allocated, with everything that it imported."""
    traced_self_bytes: int | None


class Merged(NamedTuple):
    """The same load in all processes: the same module, imported by the same chain of modules. Figures are added up."""

    fullname: str
    importer: int
    """Its number in the list; -1 where there is none."""
    loads: int
    cumulative_us: int
    self_us: int
    rss_bytes: int | None
    rss_self_bytes: int | None


class Package(NamedTuple):
    """What all modules of one top-level package took by themselves, in all processes."""

    name: str
    modules: int
    self_us: int
    rss_self_bytes: int | None


class Module(NamedTuple):
    """A heavy module with all its parts, in that process where it took longest."""

    fullname: str
    version: str
    processes: tuple[str, ...]
    """Those that imported it, by name."""
    cumulative_us: int | None
    """``None`` where nobody measured."""
    rss_bytes: int | None
    share: float | None
    """Of the time that the process took."""
    first: Place
    chain: tuple[str, ...]
    """The modules that lead from there to it, without itself."""
    within: str
    """The heavy module that has its cost in its own: it is a part of it, or was brought in by it; may be empty."""
    error: str
    numbers: tuple[int, ...]
    """Of its loads in the tree of that process: its own, and those of its parts that came later."""
    process: str


class Report(NamedTuple):
    """Everything that is told."""

    accounts: Sequence[Account]
    trees: dict[str, list[Node]]
    """By process."""
    merged: list[Merged]
    packages: list[Package]
    """The longest first."""
    modules: list[Module]
    """The first to be imported first."""
    duration_us: int
    heavy_us: int
    """What the process that took longest spent on heavy modules, each second counted once."""
    collection_us: int
    """Of the process that took longest."""
    collection_heavy_us: int
    """How much of that was spent on heavy modules."""


def make_report(accounts: Sequence[Account], heavy: Iterable[str], version_of: Callable[[str], str]) -> Report:
    """
    Sum up.

    Args:
        accounts: One for each process.
        heavy: The names of modules that are heavy, beside those that the ledgers have imports of.
        version_of: Gives the version of a module that is installed, and an empty string otherwise.
    """
    trees = {account.name: make_tree(account.loads) for account in accounts}
    merged = merge(trees.values())
    slowest = max(accounts, key=lambda account: account.collection_us)
    names = frozenset(heavy).union(*map(imported_names, accounts))
    return Report(
        accounts,
        trees,
        merged,
        _packages(merged),
        _modules(accounts, trees, names, version_of),
        max(account.duration_us for account in accounts),
        max(_heavy_in(account, trees[account.name], names) for account in accounts),
        slowest.collection_us,
        _heavy_in_collection(slowest, trees[slowest.name], names),
    )


def make_tree(loads: Sequence[Load]) -> list[Node]:
    """The loads of one process, in their order, each with its sums."""
    children: defaultdict[int, list[Load]] = defaultdict(list)
    for load in loads:
        children[load.importer].append(load)
    return [_node(load, children[number]) for number, load in enumerate(loads)]


def _node(load: Load, children: list[Load]) -> Node:
    rss, traced = _rss(load), _traced(load)
    return Node(
        load,
        _duration(load),
        _duration(load) - sum(map(_duration, children)),
        rss,
        _less(rss, map(_rss, children)),
        traced,
        _less(traced, map(_traced, children)),
    )


def _duration(load: Load) -> int:
    return load.end_us - load.begin_us


def _rss(load: Load) -> int | None:
    return _growth(load.rss_begin_bytes, load.rss_end_bytes)


def _traced(load: Load) -> int | None:
    return _growth(load.traced_begin_bytes, load.traced_end_bytes)


def _growth(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _less(total: int | None, parts: Iterable[int | None]) -> int | None:
    return None if total is None else total - sum(part or 0 for part in parts)


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def merge(trees: Iterable[list[Node]]) -> list[Merged]:
    """One tree of all processes and threads."""
    merged: list[Merged] = []
    numbers: dict[tuple[int, str], int] = {}
    for tree in trees:
        places: list[int] = []
        for node in tree:
            importer = -1 if node.load.importer < 0 else places[node.load.importer]
            fullname = node.load.fullname
            number = numbers.setdefault((importer, fullname), len(merged))
            places.append(number)
            if number == len(merged):
                merged.append(Merged(fullname, importer, 0, 0, 0, None, None))
            merged[number] = _added(merged[number], node)
    return merged


def _added(merged: Merged, node: Node) -> Merged:
    return merged._replace(
        loads=merged.loads + 1,
        cumulative_us=merged.cumulative_us + node.cumulative_us,
        self_us=merged.self_us + node.self_us,
        rss_bytes=_plus(merged.rss_bytes, node.rss_bytes),
        rss_self_bytes=_plus(merged.rss_self_bytes, node.rss_self_bytes),
    )


def _packages(merged: Iterable[Merged]) -> list[Package]:
    packages: dict[str, Package] = {}
    for node in merged:
        name = root(node.fullname)
        known = packages.get(name, Package(name, 0, 0, None))
        packages[name] = Package(
            name,
            known.modules + 1,
            known.self_us + node.self_us,
            _plus(known.rss_self_bytes, node.rss_self_bytes),
        )
    return sorted(packages.values(), key=lambda package: -package.self_us)


def imported_names(account: Account) -> set[str]:
    """The modules that the ledger of a process has imports of."""
    return {event.fullname for _, event in account.events if isinstance(event, Import)}


def ancestors(tree: Sequence[Node], number: int) -> Iterator[int]:
    """The numbers of the loads that led to one, innermost first."""
    while (number := tree[number].load.importer) >= 0:
        yield number


def outermost(tree: Sequence[Node], is_wanted: Callable[[str], bool]) -> list[int]:
    """The numbers of loads of wanted modules that are no part of another one."""
    inside: set[int] = set()
    found = []
    for number, node in enumerate(tree):
        is_inside = node.load.importer in inside
        if is_inside or is_wanted(node.load.fullname):
            inside.add(number)
            if not is_inside:
                found.append(number)
    return found


def _modules(
    accounts: Sequence[Account], trees: dict[str, list[Node]], names: frozenset[str], version_of: Callable[[str], str]
) -> list[Module]:
    rows: dict[str, list[Module]] = {}
    order: dict[str, tuple[float, int]] = {}
    for account in accounts:
        for at_us, row in _imports(account, trees[account.name], names):
            rows.setdefault(row.fullname, []).append(row)
            order.setdefault(row.fullname, (account.epoch_s, at_us))
    return [
        max(rows[name], key=lambda row: row.cumulative_us or 0)._replace(
            version=version_of(name), processes=tuple(row.process for row in rows[name])
        )
        for name in sorted(rows, key=lambda name: order[name])
    ]


def _imports(account: Account, tree: list[Node], names: frozenset[str]) -> Iterator[tuple[int, Module]]:
    """The first imports of one process, each with the time at which it began, or was recorded."""
    events, forgotten_us = _first_recorded(account)
    loads: dict[str, int] = {}  # the first of each
    for number, node in enumerate(tree):
        name = node.load.fullname
        if name in names and node.load.begin_us >= forgotten_us.get(name, 0):
            loads.setdefault(name, number)
    for name in sorted({**events, **loads}, key=lambda name: _begin(name, tree, loads, events)):
        event = events[name][1] if name in events else Import(name, Place(""))
        since_us = forgotten_us.get(name, 0)
        row = _measured(tree, loads[name], names, event, since_us) if name in loads else _recorded(event, names, events)
        share = row.cumulative_us / account.duration_us if row.cumulative_us and account.duration_us else None
        yield _begin(name, tree, loads, events), row._replace(share=share, process=account.name)


def _first_recorded(account: Account) -> tuple[dict[str, tuple[int, Import]], dict[str, int]]:
    """The imports of one process that count as the first, each with its time, and when earlier ones were forgotten."""
    events: dict[str, tuple[int, Import]] = {}
    forgotten_us: dict[str, int] = {}
    for at_us, event in account.events:
        if isinstance(event, Import):
            events.setdefault(event.fullname, (at_us, event))
        elif isinstance(event, Forgotten):
            for name in event.fullnames:
                events.pop(name, None)
                forgotten_us[name] = at_us
    return events, forgotten_us


def _begin(name: str, tree: list[Node], loads: dict[str, int], events: dict[str, tuple[int, Import]]) -> int:
    return tree[loads[name]].load.begin_us if name in loads else events[name][0]


def _measured(tree: list[Node], number: int, names: frozenset[str], event: Import, since_us: int) -> Module:
    load = tree[number].load
    chain = list(ancestors(tree, number))
    bringers = [above for above in chain if heavy_name(tree[above].load.fullname, names)]
    # Heavy modules know their place, and so does what nobody imports.
    first = next(place for above in (*bringers[-1:], number, *chain) if (place := tree[above].load.place))
    bringer = tree[bringers[-1]].load.fullname if bringers else load.fullname.rpartition(".")[0]
    us, rss, numbers = cost_of(tree, load.fullname, since_us)
    return Module(
        load.fullname,
        "",
        (),
        us,
        rss,
        None,
        first,
        tuple(tree[above].load.fullname for above in reversed(chain)),
        heavy_name(bringer, names),
        load.error or event.error,
        tuple(numbers),
        "",
    )


def _recorded(event: Import, names: frozenset[str], events: dict[str, tuple[int, Import]]) -> Module:
    """The same where nobody measured every module: the cost is that of its import, and of parts that came later."""
    bringer = event.within or event.fullname.rpartition(".")[0]
    imports = [each for each, _ in _recorded_within(event.fullname, events)]
    us, rss = None, None
    for each in imports:
        us, rss = _plus(us, _recorded_us(each)), _plus(rss, each.rss_growth_bytes)
    within = heavy_name(bringer, names)
    return Module(event.fullname, "", (), us, rss, None, event.place, (), within, event.error, (), "")


def _recorded_within(package: str, events: dict[str, tuple[int, Import]]) -> list[tuple[Import, int]]:
    """The recorded imports of a module and its parts, each with its time."""
    return [(event, at_us) for name, (at_us, event) in events.items() if is_within(name, package)]


def _recorded_us(event: Import) -> int | None:
    return None if event.duration_s is None else round(event.duration_s * 1e6)


def together_us(report: Report, modules: Iterable[Module]) -> int:
    """What modules took, each in the process that it is told of; a second that is part of several is counted once."""
    rows: defaultdict[str, list[Module]] = defaultdict(list)
    for module in modules:
        rows[module.process].append(module)
    return sum(
        _together_in(account, report.trees[account.name], rows[account.name])
        for account in report.accounts
        if account.name in rows
    )


def _together_in(account: Account, tree: list[Node], modules: list[Module]) -> int:
    loads = [tree[number].load for module in modules for number in module.numbers]
    events, _ = _first_recorded(account)
    recorded = [
        (at_us, event)
        for module in modules
        if not module.numbers
        for event, at_us in _recorded_within(module.fullname, events)
    ]
    return _covered_us([*((load.begin_us, load.end_us) for load in loads), *_spans(recorded)])


def _spans(events: Iterable[tuple[int, Event]]) -> list[tuple[int, int]]:
    """
    From when to when imports went on.

    Each is recorded some time after its end: the garbage collector, which is let in again, may come first. What seems
    to have begun in the middle of a shorter one that was recorded earlier has brought that in, so it began no later.
    """
    spans: list[tuple[int, int]] = []
    for at_us, event in events:
        if isinstance(event, Import):
            duration_us = _recorded_us(event) or 0
            begin_us = at_us - duration_us
            parts = [begin for begin, end in spans if end > begin_us and end - begin <= duration_us]
            begin_us = min([begin_us, *parts])
            spans.append((begin_us, begin_us + duration_us))
    return spans


def _covered_us(spans: Iterable[tuple[int, int]]) -> int:
    """How long spans last, where one may lie within another or reach into it."""
    ordered = sorted(spans)
    covered_us, until_us = 0, ordered[0][0] if ordered else 0
    for begin_us, end_us in ordered:
        covered_us += max(end_us - max(begin_us, until_us), 0)
        until_us = max(until_us, end_us)
    return covered_us


def _heavy_in(account: Account, tree: list[Node], names: frozenset[str]) -> int:
    """What a process spent on heavy modules; where nothing was measured, as far as it was recorded."""
    if tree:
        return heavy_us(tree, names)
    return _covered_us(_spans(account.events))


def heavy_us(tree: Sequence[Node], names: Iterable[str]) -> int:
    """What a process spent on loading these modules, with everything that they brought in, each second counted once."""
    return sum(tree[number].cumulative_us for number in outermost_heavy(tree, names))


def outermost_heavy(tree: Sequence[Node], names: Iterable[str]) -> list[int]:
    """The numbers of the loads of these modules and their parts that are no part of another such load."""
    wanted = frozenset(names)
    return outermost(tree, lambda fullname: bool(heavy_name(fullname, wanted)))


def heavy_name(fullname: str, names: frozenset[str]) -> str:
    """The heavy module that *fullname* is, or the outermost that it is a part of; an empty text where there is none."""
    return next((name for name in reversed(list(lineage(fullname))) if name in names), "")


def cost_of(tree: Sequence[Node], package: str, since_us: int = 0) -> tuple[int, int | None, list[int]]:
    """
    What a process spent on a package, parts of it that came later included: microseconds, bytes, and which loads.

    Args:
        tree: The loads.
        package: Its name.
        since_us: What was loaded before is another's.
    """
    numbers = outermost(tree, lambda fullname: is_within(fullname, package))
    numbers = [number for number in numbers if tree[number].load.begin_us >= since_us]
    us, rss = 0, None
    for number in numbers:
        us += tree[number].cumulative_us
        rss = _plus(rss, tree[number].rss_bytes)
    return us, rss, numbers


def parts_of(tree: Sequence[Node], numbers: Sequence[int]) -> list[Node]:
    """What loads imported themselves, the longest first: with what these took without them, it adds up to the whole."""
    wanted = set(numbers)
    return sorted((node for node in tree if node.load.importer in wanted), key=lambda node: -node.cumulative_us)


def _heavy_in_collection(account: Account, tree: list[Node], names: frozenset[str]) -> int:
    end_us = account.collection_begin_us + account.collection_us
    if tree:
        found = [tree[number] for number in outermost_heavy(tree, names)]
        return sum(
            node.cumulative_us
            for node in found
            if account.collection_begin_us <= node.load.begin_us < end_us and node.load.thread == MAIN_THREAD
        )
    return _covered_us(_spans(each for each in account.events if account.collection_begin_us <= each[0] < end_us))
