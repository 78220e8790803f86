"""What a declaration reaches: what is protected and preloaded for it, and a line where that is nothing."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from ..facts.distributions import is_installed, is_installed_place, locate
from ..facts.names import is_within, root

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from .declarations import HeavyModule


def namespace_packages(declared: Iterable[HeavyModule]) -> dict[str, str]:
    """The declared namespace packages all of whose parts are installed, each with its declaration."""
    return {
        module.fullname: str(module)
        for module in declared
        if (spec := locate(module.fullname)) and _is_namespace(spec) and _are_all_installed(spec)
    }


class Unreached(NamedTuple):
    """Declared modules that are not protected or not preloaded, as the run is to do."""

    fullnames: tuple[str, ...]
    missed: str
    """What their declarations don't lead to."""
    why: str

    def line(self, imported: Collection[str]) -> str:
        """What to report, where these modules were imported: nothing of a module of which this run has seen nothing."""
        names = [name for name in self.fullnames if any(is_within(each, name) for each in imported)]
        return f"{self.missed}: {', '.join(names)} ({self.why})" if names else ""


def unreached(
    declared: Iterable[HeavyModule], *, protect: Collection[str], is_guarded: bool, is_preloaded: bool
) -> list[Unreached]:
    """
    The declared modules that are not protected or not preloaded, by the reason.

    Args:
        declared: The modules.
        protect: The lines of ``heavy_protect``; nothing is told of what lies in one of them, or in one taken away.
        is_guarded: Whether there is a guard.
        is_preloaded: Whether there is a preload.
    """
    decided = [line.removeprefix("!") for line in protect]
    names = dict.fromkeys(module.fullname for module in declared)
    found: dict[tuple[str, str], list[str]] = {}
    for name in names:
        spec = locate(name)
        if spec is not None and not any(is_within(name, line) for line in decided):
            missed, why = _missed(name, spec, is_guarded, is_preloaded)
            if missed:
                found.setdefault((missed, why), []).append(name)
    return [Unreached(tuple(some), missed, why) for (missed, why), some in found.items()]


def _missed(name: str, spec: ModuleSpec, is_guarded: bool, is_preloaded: bool) -> tuple[str, str]:
    """What a declaration doesn't lead to, and why."""
    neither = " or ".join(word for word, is_on in (("protected", is_guarded), ("preloaded", is_preloaded)) if is_on)
    if _is_namespace(spec):
        if not _are_all_installed(spec):
            return f"not {neither}", "a namespace package with parts in the code under test: declare the others"
        why = "a namespace package, which has no code of its own: declare the parts that tests import"
        return ("not preloaded", why) if is_preloaded else ("", "")
    if root(name) in sys.stdlib_module_names:
        return f"not {neither}", "a part of Python"
    if is_installed(spec):
        return "", ""
    return f"not {neither}", f"in the code under test{': heavy_protect protects it' if is_guarded else ''}"


def _is_namespace(spec: ModuleSpec) -> bool:
    return spec.origin is None and bool(spec.submodule_search_locations)


def _are_all_installed(spec: ModuleSpec) -> bool:
    return all(map(is_installed_place, spec.submodule_search_locations or ()))
