"""What is heavy, as the files that are looked at are told."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..named_tuple import NamedTuple
from ..names import is_within, lineage


class Heaviness(NamedTuple):
    """What is heavy: declared modules, and those of the code under test that import one while they are imported."""

    declared: frozenset[str]
    hops: Mapping[str, str]
    """Of each heavy module of the code under test, the next one on the way to a declared one."""
    local: frozenset[str] = frozenset()
    """The top-level names of the code under test."""
    by_module: tuple[Heaviness, ...] = ()
    """The same for each declared module by itself, where there are several."""

    def chain(self, module: str, stand_ins: Collection[str] = ()) -> tuple[str, ...]:
        """
        The way from a module to a declared one, both included; empty where importing it imports nothing heavy.

        Args:
            module: Its full name, or that of an object in it.
            stand_ins: Modules that a stand-in takes the place of: no way leads through one.
        """
        for heaviness in (self, *(self.by_module if stand_ins else ())):
            way = heaviness._way(module)
            if way and not any(is_within(name, each) for name in way for each in stand_ins):
                return way
        return ()

    def _way(self, module: str) -> tuple[str, ...]:
        first = next((name for name in lineage(module) if name in self.hops or name in self.declared), None)
        way = [first] if first else []
        while way and way[-1] in self.hops:
            way.append(self.hops[way[-1]])
        return tuple(way)
