"""How a leak reaches the culprit: a warning where the guard restores, a failure where it is strict."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from .errors import HeavyImportWarning, ModulesDisplaced, add_note

if TYPE_CHECKING:
    import pytest


def tell_report(
    report: pytest.CollectReport, leaks: list[ModulesDisplaced], collector: pytest.Collector, mode: str
) -> pytest.CollectReport:
    """The report of a file's collection: failed, in mode ``error``, if the file has left anything displaced."""
    if mode == "restore":
        try:
            _warn(leaks, str(collector.path), 1)
            return report
        except HeavyImportWarning as warning:  # by -W error
            leaks = [ModulesDisplaced(str(warning))]
    if leaks:
        text = "\n".join(str(leak) for leak in leaks)
        if report.failed:
            report.sections.append(("heavy imports", text))
        else:
            report.outcome, report.longrepr, report.result = "failed", text, []
    return report


def tell_test(leaks: list[ModulesDisplaced], item: pytest.Item, mode: str) -> None:
    """Warn, or raise the first leak with the others as notes, which makes an error of the test's teardown."""
    __tracebackhide__ = True
    file, line, _ = item.location
    if mode == "restore":
        _warn(leaks, str(item.config.rootpath / file), (line or 0) + 1)
    elif leaks:
        for leak in leaks[1:]:
            add_note(leaks[0], str(leak))
        raise leaks[0]


def _warn(leaks: list[ModulesDisplaced], file: str, line: int) -> None:
    for leak in leaks:
        warnings.warn_explicit(HeavyImportWarning(str(leak)), HeavyImportWarning, file, line)
