"""What is heavy, as the files that are looked at are told."""

from __future__ import annotations

from collections.abc import Mapping

from ..named_tuple import NamedTuple
from ..names import lineage


class Heaviness(NamedTuple):
    """What is heavy: declared modules, and those of the code under test that import one while they are imported."""

    declared: frozenset[str]
    hops: Mapping[str, str]
    """Of each heavy module of the code under test, the next one on the way to a declared one."""
    local: frozenset[str] = frozenset()
    """The top-level names of the code under test."""

    def chain(self, module: str) -> tuple[str, ...]:
        """
        The way from a module to a declared one, both included; empty where importing it imports nothing heavy.

        Args:
            module: Its full name, or that of an object in it.
        """
        for name in lineage(module):
            if name in self.hops or name in self.declared:
                return self._way(name)
        return ()

    def _way(self, name: str) -> tuple[str, ...]:
        way = [name]
        while way[-1] in self.hops:
            way.append(self.hops[way[-1]])
        return tuple(way)
