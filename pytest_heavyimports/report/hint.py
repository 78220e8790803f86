"""The one hint: what would have saved this run most."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .figures import seconds
from .model import heavy_us, together_us

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import Module, Report

WORTH_US = 500_000
"""What saves less is no hint."""


class RunAsked(NamedTuple):
    """How the run was started, as far as a hint goes by it."""

    tests: int
    """How many ran; 0 where this process doesn't know."""
    heavy: frozenset[str]
    """Those marked ``heavy``, by nodeid."""
    is_selecting: bool
    """Whether ``-m`` was given."""
    has_warm: bool
    """Whether ``--heavy-warm`` could be given, and was not."""


def make_hint(report: Report, asked: RunAsked) -> str:
    """What would have saved most, with the figures of this run; an empty text where nothing would have saved much."""
    saved_us, text = max((*_unneeded(report, asked), *_repeated(report, asked)), default=(0, ""))
    return text if saved_us >= WORTH_US else ""


def _unneeded(report: Report, asked: RunAsked) -> Iterator[tuple[int, str]]:
    """Light tests, beside heavy ones without which nobody would have imported some modules."""
    modules = [module for module in report.modules if module.first.nodeid in asked.heavy and not module.within]
    light = asked.tests - len(asked.heavy)
    if modules and light > 0 and not asked.is_selecting:
        saved_us = together_us(report, modules)
        names, it = ", ".join(module.fullname for module in modules), "it" if len(modules) == 1 else "them"
        need = "doesn't" if light == 1 else "don't"
        told = f"would have skipped {names}, {seconds(saved_us)}: {light} of {asked.tests} tests {need} need {it}"
        yield saved_us, f"-m 'not heavy' {told}"


def _repeated(report: Report, asked: RunAsked) -> Iterator[tuple[int, str]]:
    """The same imports in several workers."""
    repeated = [module for module in report.modules if len(module.processes) > 1 and not module.within]
    if repeated and asked.has_warm:
        names = [module.fullname for module in report.modules]
        spent = [heavy_us(tree, names) for tree in report.trees.values()]
        saved_us, most = sum(spent) - max(spent), max(repeated, key=_cost)
        told = f"{most.fullname} was imported in {len(most.processes)} processes"
        yield saved_us, f"--heavy-warm would have saved {seconds(saved_us)}: {told}"


def _cost(module: Module) -> int:
    return module.cumulative_us or 0
