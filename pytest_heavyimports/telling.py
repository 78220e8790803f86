"""How a leak reaches the culprit: a warning where the guard restores, a failure where it is strict."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from .errors import HeavyImportWarning

if TYPE_CHECKING:
    from .errors import ModulesDisplaced


def tell_report(
    report: pytest.CollectReport, leaks: list[ModulesDisplaced], collector: pytest.Collector, mode: str
) -> pytest.CollectReport:
    """The report of a file's collection: failed, in mode ``error``, if the file has left anything displaced."""
    if mode == "restore":
        try:
            _warn(leaks, str(collector.path), 1)
            return report
        except HeavyImportWarning as warning:  # by -W error
            text = str(warning)
    else:
        text = "\n".join(map(str, leaks))
    if text:
        if report.failed:
            report.sections.append(("heavy imports", text))
        else:
            report.outcome, report.longrepr, report.result = "failed", text, []
    return report


def tell_test(leaks: list[ModulesDisplaced], item: pytest.Item, mode: str) -> None:
    """Warn, or fail, which makes an error of the test's teardown. There is no traceback: nobody is to look for one."""
    __tracebackhide__ = True
    file, line, _ = item.location
    if mode == "restore":
        _warn(leaks, str(item.config.rootpath / file), (line or 0) + 1)
    elif leaks:
        raise pytest.fail.Exception("\n".join(map(str, leaks)), pytrace=False) from leaks[0]


def _warn(leaks: list[ModulesDisplaced], file: str, line: int) -> None:
    for leak in leaks:
        warnings.warn_explicit(HeavyImportWarning(str(leak)), HeavyImportWarning, file, line)
