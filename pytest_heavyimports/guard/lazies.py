"""
Lazy names that were resolved while a fake was in place: Python 3.15, ``lazy import torch``.

The first use binds the fake for good, however properly ``sys.modules`` is put back afterwards. Nobody is to blame, so
the name gets its lazy object back, and the next use binds what is there then. Owns lazy names in other modules.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from ..facts.lazy import LAZY, target_of
from ..facts.names import root
from ..imports.modules import bound


class Binding(NamedTuple):
    """A name that was lazy when it was seen first."""

    namespace: dict[str, Any]
    name: str
    lazy: Any
    target: str

    @property
    def is_lazy(self) -> bool:
        """Whether nobody has used it yet."""
        return self.namespace.get(self.name) is self.lazy

    @property
    def is_in_place(self) -> bool:
        """Whether it is bound to what ``sys.modules`` has now."""
        candidates = [sys.modules.get(self.target), bound(self.target)]
        if self.name == root(self.target):
            candidates.append(sys.modules.get(self.name))  # "lazy import xml.dom" binds xml
        found = self.namespace.get(self.name)
        return any(found is each for each in candidates if each is not None)


class LazyBindings:
    """The lazy names of protected modules, in whatever module they are."""

    def __init__(self, is_protected: Callable[[str], bool]) -> None:
        self._is_protected = is_protected
        self._known: set[str] = set()
        self._bindings: list[Binding] = []

    def note(self) -> None:
        """Take note of those in modules that have come since."""
        new = sys.modules.keys() - self._known
        self._known |= new
        for fullname in new:
            module = sys.modules.get(fullname)
            if isinstance(module, ModuleType):
                self._bindings += self._lazy_names(object.__getattribute__(module, "__dict__"))

    def accept(self) -> None:
        """What was bound on purpose to something that is not in ``sys.modules``, by a fixture, stays so."""
        self._bindings = [each for each in self._bindings if each.is_lazy or each.is_in_place]

    def put_back(self) -> None:
        """Make those lazy again that have something from another time."""
        for each in self._bindings:
            if not (each.is_lazy or each.is_in_place):
                each.namespace[each.name] = each.lazy

    def _lazy_names(self, namespace: dict[str, Any]) -> list[Binding]:
        found = [(name, value, target_of(value)) for name, value in list(namespace.items()) if isinstance(value, LAZY)]
        return [Binding(namespace, *each) for each in found if self._is_protected(each[2])]
