"""Values that the files of this room hand to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..facts.records import Sighting


class Item(NamedTuple):
    """A test that was collected."""

    nodeid: str
    file: str
    line: int
    """The first of its function; 0 where it has none."""
    fixtures: tuple[str, ...]
    is_heavy: bool
    """Whether it is marked ``heavy``."""


class Process(NamedTuple):
    """One process of the run, as the report has it."""

    name: str
    tree: Sequence[Mapping[str, Any]]
    """Its loads, each with its sums."""


class SeenRun(NamedTuple):
    """What is known of the run that was looked at."""

    arguments: tuple[str, ...]
    """Those of pytest."""
    status: int
    """As in ``subprocess``: the exit status, or the signal as a negative number."""
    wall_s: float
    root: str
    inifile: str
    """Empty where there is none."""
    startup_s: float | None = None
    """From the start of the interpreter until imports were measured; ``None`` where that is not known."""
    is_complete: bool = False
    """Whether it has come to its end, so that everything below is known."""
    is_interrupted: bool = False
    has_workers: bool = False
    has_warm: bool = False
    """Whether ``--heavy-warm`` was given."""
    declared: Mapping[str, str] = {}
    """The declared modules, by alias."""
    guard: str = "off"
    """The value of ``heavy_guard`` that the project has."""
    outcomes: Mapping[str, int] = {}
    """How many tests ended in each way."""
    faults: tuple[str, ...] = ()
    """The files that could not be collected."""
    items: tuple[Item, ...] = ()
    own: Mapping[str, str] = {}
    """The project's own modules, each with its file."""
    installed: frozenset[str] = frozenset()
    """The top-level names of what is installed, as far as it was imported."""
    conftests: tuple[str, ...] = ()
    fixtures: Mapping[str, Sequence[tuple[str, int]]] = {}
    """By name: file and first line of its functions."""
    processes: tuple[Process, ...] = ()
    sights: tuple[Sighting, ...] = ()


class Break(NamedTuple):
    """Somebody who breaks heavy modules, or will."""

    modules: tuple[str, ...]
    kind: str
    """As in :class:`Sighting`."""
    who: str
    how: str
    """The statement; empty where it is not known."""
    again: tuple[str, ...]
    """Where modules were executed a second time because of it."""
    times: int
    remedy: str


class Slow(NamedTuple):
    """A module whose import takes long."""

    name: str
    """That of the package where it is installed; a file where it is a test file or a ``conftest.py``."""
    is_own: bool
    us: int
    """In the process where it took longest: a package with what it brought in, an own module by itself."""
    processes: int
    first: str
    """Who imported it first: file and line, or the plugin."""
    tests: int
    """How many tests need it."""
    tests_without: int
    """How many would, if the first import were not made where it is."""
    nodeid: str = ""
    """The test in which that was; empty where it was in none."""
    is_declared: bool = False


class Remedy(NamedTuple):
    """What helps, or does not."""

    saves_us: int
    """0 for what would not help."""
    what: str
    """What to type, or to do."""
    why: str
    is_always: bool = False
    """Whether each run of the suite is meant, and not some."""


class Diagnosis(NamedTuple):
    """All of it, most valuable first."""

    run: SeenRun
    breaks: tuple[Break, ...]
    slow: tuple[Slow, ...]
    remedies: tuple[Remedy, ...]
    useless: tuple[Remedy, ...]
    imports_us: int
    """What imports took, in the process where that was most."""
