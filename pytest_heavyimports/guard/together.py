"""
Packages that are thrown out of ``sys.modules`` together with modules that use them.

Whoever throws out both wants both executed again. Such a module may have registered something in the package
(protobuf's generated code, metrics of prometheus_client): executed again, while the package is not, it would fail.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import resolve_name
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..facts.distributions import locate
from ..facts.names import is_within
from ..imports.modules import is_extension, is_finished

if TYPE_CHECKING:
    from ..imports.keeper import Keeper
    from .policy import Protection


class Thrown(NamedTuple):
    """Packages that were thrown out, and who uses them."""

    fullnames: tuple[str, ...]
    """Their modules that were kept, the outermost first."""
    everything: tuple[str, ...]
    """And what came with them."""
    users: tuple[str, ...]


class ThrownTogether:
    """Knows which modules were executed to their ends that are not protected."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._imported: dict[str, None] = {}

    @contextmanager
    def executing(self, fullname: str, module: Any) -> Iterator[None]:  # noqa: ARG002  # as others that are entered
        """Around the execution of a module that is not protected."""
        yield
        self._imported[fullname] = None

    def find(self, fullname: str, protection: Protection) -> Thrown | None:
        """
        What was thrown out with the package of a kept module, where it is to be left alone.

        That is where nothing of the package is left in ``sys.modules``; where neither its C state nor what is known
        of it keeps it from being executed twice; where no kept module that stays holds anything of it; and where a
        module that imports it was thrown out as well.
        """
        if fullname not in self._keeper.kept or protection.is_firm(fullname):
            return None
        families = {
            family: names
            for family, names in self._keeper.families().items()
            if not (names & sys.modules.keys() or protection.is_firm(family) or self._has_extension(names))
        }
        family = self._keeper.family(fullname)
        while family in families:
            names = set().union(*families.values())
            held = [each for each, some in families.items() if self._keeper.is_held_outside(some, but=names)]
            if not held:
                break
            for each in held:
                del families[each]
        if family not in families:
            return None
        missing = [name for name in self._imported if self._is_missing(name)]
        users = tuple(name for name in missing if any(_imports(name, each) for each in families))
        if not users:
            return None
        kept = sorted(names, key=lambda name: (name.count("."), name))
        return Thrown(tuple(kept), (*kept, *self._keeper.relatives(kept)), users)

    def _is_missing(self, fullname: str) -> bool:
        module = sys.modules.get(fullname)
        return module is None or not is_finished(module)  # it is just being executed again, and needs the package

    def _has_extension(self, names: set[str]) -> bool:
        return any(is_extension(self._keeper.kept[name]) for name in names)


def _imports(fullname: str, package: str) -> bool:
    """Whether the code of a module imports a package, or something of it."""
    spec = locate(fullname)
    if spec is None or not str(spec.origin).endswith(".py"):
        return False
    try:
        tree = ast.parse(Path(str(spec.origin)).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    within = fullname if spec.submodule_search_locations is not None else fullname.rpartition(".")[0]
    return any(is_within(name, package) for name in _imported_names(tree, within))


def _imported_names(tree: ast.AST, within: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            try:
                base = resolve_name("." * node.level + (node.module or ""), within)
            except ImportError:
                continue
            yield from (f"{base}.{alias.name}" for alias in node.names)
