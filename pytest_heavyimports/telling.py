"""How a leak reaches the culprit: a warning where the guard restores, a failure where it is strict."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from .errors import HeavyImportWarning, add_note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def tell_report(
    report: pytest.CollectReport,
    leaks: Sequence[Exception],
    collector: pytest.Collector,
    mode: str,
    *,
    on_warned: Callable[[str], object] = str,
) -> pytest.CollectReport:
    """
    The report of a file's collection: failed, in mode ``error``, if the file has left anything displaced.

    *on_warned* is called with each warning that was issued and was not an error.
    """
    if mode == "restore":
        try:
            _warn(leaks, str(collector.path), 1, on_warned)
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


def tell_test(
    leaks: Sequence[Exception], item: pytest.Item, mode: str, *, on_warned: Callable[[str], object] = str
) -> None:
    """Warn, or fail, which makes an error of the test's teardown. There is no traceback: nobody is to look for one."""
    file, line, _ = item.location
    if mode != "error":
        _warn(leaks, str(item.config.rootpath / file), (line or 0) + 1, on_warned)
    elif leaks:
        raise pytest.fail.Exception("\n".join(map(str, leaks)), pytrace=False)


def tell_beside(error: BaseException, leaks: Sequence[Exception]) -> None:
    """The test's teardown has failed, or the run is to stop: that goes on, and takes the leaks along."""
    for leak in leaks:
        add_note(error, str(leak))


def _warn(leaks: Sequence[Exception], file: str, line: int, on_warned: Callable[[str], object]) -> None:
    """Warn of each; where warnings are errors, one with all of them."""
    raised = []
    for leak in leaks:
        try:
            warnings.warn_explicit(HeavyImportWarning(str(leak)), HeavyImportWarning, file, line)
            on_warned(str(leak))
        except HeavyImportWarning as warning:
            raised.append(str(warning))
    if raised:
        raise HeavyImportWarning("\n".join(raised))
