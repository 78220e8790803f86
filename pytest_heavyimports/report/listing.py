"""What ``pytest --heavy-list`` shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..facts.distributions import installed_version, is_installed, locate

if TYPE_CHECKING:
    from ..config.declarations import HeavyModule


def listing(declared: Iterable[HeavyModule]) -> Iterator[str]:
    """
    A line for each declared module: its fixture, what it gives, the version that is installed, where it is declared.

    Nothing is imported.
    """
    rows = [("fixture", "gives", "installed", "declared in")]
    for module in declared:
        gives = f"{module.reference} {module.specifiers}".rstrip()
        rows.append((module.alias, gives, _installed(module), module.source))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0)))


def _installed(module: HeavyModule) -> str:
    spec = locate(module.fullname)
    if spec is None:
        return "no"
    version = installed_version(module.fullname)
    if version is None:
        return "yes, version unknown" if is_installed(spec) else "yes, in the code under test"
    if module.specifiers:
        from packaging.specifiers import SpecifierSet  # some milliseconds

        if not SpecifierSet(module.specifiers).contains(version, prereleases=True):
            return f"{version}, excluded"
    return version
