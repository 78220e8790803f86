"""
What torch imports unasked: packages for devices, which offer themselves as entry points (``torch.backends``).

It calls each after the import, and that may take the device. Owns ``importlib.metadata.entry_points``, by which torch
finds them.

Reference: ``_import_device_backends`` in ``torch/__init__.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from ..facts.measure import Cost
from ..facts.names import root
from ..facts.records import Autoloaded

GROUP = "torch.backends"
PACKAGE = "torch"


@contextmanager
def watch_autoload(tell: Callable[[Autoloaded], object]) -> Iterator[None]:
    """Note what torch loads unasked, should it be imported in this block: *tell* is called with each."""
    entry_points: Any = metadata.entry_points
    if isinstance(entry_points, _Watched):
        yield  # within the import of another one
        return
    watched = metadata.entry_points = _Watched(entry_points, tell)
    try:
        yield
    finally:
        if metadata.entry_points is watched:
            metadata.entry_points = entry_points


class _Watched:
    """In the place of ``importlib.metadata.entry_points``."""

    def __init__(self, entry_points: Callable[..., Any], tell: Callable[[Autoloaded], object]) -> None:
        self._entry_points = entry_points
        self._tell = tell

    def __call__(self, **parameters: Any) -> Any:
        found = self._entry_points(**parameters)
        return [_Backend(each, self._tell) for each in found] if parameters.get("group") == GROUP else found


class _Backend:
    """An entry point, measured from its import to the end of its call."""

    def __init__(self, entry_point: metadata.EntryPoint, tell: Callable[[Autoloaded], object]) -> None:
        self._entry_point = entry_point
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry_point, name)

    def load(self) -> Callable[[], object]:
        __tracebackhide__ = True
        before, cost = set(sys.modules), Cost()
        with cost:
            start = self._entry_point.load()

        def call() -> object:
            __tracebackhide__ = True
            calling = Cost()
            try:
                with calling:
                    return start()
            finally:
                self._told(before, (cost, calling))

        return call

    def _told(self, before: set[str], costs: tuple[Cost, Cost]) -> None:
        distribution = self._entry_point.dist
        growths = [cost.rss_growth_bytes for cost in costs if cost.rss_growth_bytes is not None]
        self._tell(
            Autoloaded(
                self._entry_point.name,
                f"{distribution.name} {distribution.version}" if distribution else "",
                _packages(sys.modules.keys() - before),
                sum(cost.duration_s for cost in costs),
                sum(growths) if growths else None,
            )
        )


def _packages(fullnames: set[str]) -> tuple[str, ...]:
    """Those that modules are of, without torch's own and the standard library's."""
    return tuple(sorted({root(name) for name in fullnames} - {PACKAGE} - sys.stdlib_module_names))
