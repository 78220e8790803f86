"""What is heavy, as the files that are looked at are told."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from typing import NamedTuple

from ..facts.names import is_within, lineage


class Heaviness(NamedTuple):
    """What is heavy: declared modules, and those of the code under test that import one while they are imported."""

    declared: frozenset[str]
    hops: Mapping[str, str]
    """Of each heavy module of the code under test, the next one on the way to a declared one."""
    local: frozenset[str] = frozenset()
    """The top-level names of the code under test."""
    imports: Mapping[str, tuple[str, ...]] = {}
    """Of each heavy module of the code under test, all heavy ones that it imports, and the package that it is in."""

    def chain(self, module: str, stand_ins: Collection[str] = ()) -> tuple[str, ...]:
        """
        The way from a module to a declared one, both included; empty where importing it imports nothing heavy.

        Args:
            module: Its full name, or that of an object in it.
            stand_ins: Modules that a stand-in takes the place of: no way leads through one.
        """
        first = next((name for name in lineage(module) if name in self.hops or name in self.declared), None)
        way = [first] if first else []
        while way and way[-1] in self.hops:
            way.append(self.hops[way[-1]])
        if any(is_within(name, each) for name in way for each in stand_ins):
            return self._way_around(way[0], stand_ins)
        return tuple(way)

    def _way_around(self, module: str, stand_ins: Collection[str]) -> tuple[str, ...]:
        """
        The shortest way from a module to a declared one that leads through no stand-in.

        A declared module that imports others is heavy by these, and no end of a way.
        """
        waiting: deque[tuple[str, ...]] = deque([(module,)])
        seen = {module}
        while waiting:
            way = waiting.popleft()
            if any(is_within(way[-1], each) for each in stand_ins):
                continue
            if way[-1] in self.declared and way[-1] not in self.imports:
                return way
            following = [name for name in self.imports.get(way[-1], ()) if name not in seen]
            seen.update(following)
            waiting.extend((*way, name) for name in following)
        return ()
