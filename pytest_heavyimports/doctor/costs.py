"""What each package, and each module of the project's own, took: every second is counted once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..facts.names import lineage, root

Tree = Sequence[Mapping[str, Any]]
PYTEST = ("_pytest", "pluggy", "pytest", "pytest_heavyimports")
"""Each run needs them, as it does the standard library."""
OWN, INSTALLED, STANDARD = "own", "installed", "standard"


class ImportCost(NamedTuple):
    """What a unit took in one process: an installed package, or an own module."""

    name: str
    is_own: bool
    us: int
    number: int
    """Of its first load."""


def kind_of(own: Mapping[str, str], is_installed: Callable[[str], bool]) -> Callable[[str], str]:
    """
    Tells of a module whether it is the project's own, installed, or of the standard library.

    Args:
        own: The project's own modules that were there at the end.
        is_installed: Whether a top-level package is installed; asked of what is not among them.
    """
    known: dict[str, str] = {}

    def kind(fullname: str) -> str:
        top = root(fullname)
        if fullname in own and top not in PYTEST:
            return OWN
        if top not in known:
            is_standard = top in sys.stdlib_module_names or top in PYTEST
            known[top] = STANDARD if is_standard else INSTALLED if is_installed(top) else OWN
        return known[top]

    return kind


def costs_of(tree: Tree, kind: Callable[[str], str]) -> list[ImportCost]:
    """
    What each unit took, in the order of their first loads.

    A package has the seconds of all that it has brought in, but for own modules; an own module its own, with those of
    the standard library that it has imported.
    """
    loaded = {load["fullname"] for load in tree}
    units: list[tuple[str, str]] = []
    us: dict[tuple[str, str], int] = {}
    first: dict[tuple[str, str], int] = {}
    for number, load in enumerate(tree):
        fullname, above = load["fullname"], load["importer"]
        outer = units[above] if above >= 0 else ("", STANDARD)
        what = kind(fullname)
        if what == OWN:
            unit = fullname, OWN
        elif what == INSTALLED:
            # Of a namespace package (google.protobuf), which nobody loads, the outermost part that was loaded.
            outermost = next(name for name in reversed(list(lineage(fullname))) if name in loaded)
            unit = outer if outer[1] == INSTALLED else (outermost, INSTALLED)
        else:
            unit = outer
        units.append(unit)
        us[unit] = us.get(unit, 0) + load["self_us"]
        first.setdefault(unit, number)
    return [ImportCost(name, what == OWN, us[name, what], first[name, what]) for name, what in us if what != STANDARD]


def chain_of(tree: Tree, number: int) -> list[int]:
    """The numbers of the loads that led to one, innermost first."""
    chain = []
    while (number := tree[number]["importer"]) >= 0:
        chain.append(number)
    return chain
