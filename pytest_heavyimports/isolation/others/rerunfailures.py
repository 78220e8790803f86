"""pytest-rerunfailures: attempts are made in the process of the test, and in a new one where that dies."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...config.options import is_worker

if TYPE_CHECKING:
    import pytest


def runs_again(item: pytest.Item, report: pytest.TestReport, excinfo: Any, attempts: int) -> bool:
    """Whether it has the test run again after a death in that attempt, as for any failure; waits as it would."""
    plugin = _plugin(item)
    reruns = _reruns(item)
    if reruns is None or attempts > reruns or attempts == 0:
        return False
    with suppress(AttributeError):  # versions without these options
        if plugin._is_rerun_path_excluded(item):
            return False
    with suppress(AttributeError):
        if plugin._should_hard_fail_on_error(item, report, excinfo):
            return False
    with suppress(AttributeError, TypeError):
        if not plugin.get_reruns_condition(item, [(report.when, 0, excinfo)]):
            return False
    limit = getattr(item.config.option, "max_suite_reruns", None)
    with suppress(AttributeError):
        if limit is not None and not _database(item).try_increment_suite_reruns(limit):
            return False
    with suppress(AttributeError):
        time.sleep(plugin.get_reruns_delay(item) * plugin.get_reruns_delay_backoff_factor(item) ** (attempts - 1))
    return True


def count(item: pytest.Item, attempts: int) -> None:
    """Tell it, where pytest runs, how often a test has begun: ``--fail-on-flaky`` asks for that at the end."""
    if _reruns(item) is not None:
        item.execution_count = attempts  # type: ignore[attr-defined]  # where pytest-rerunfailures puts it


def begin_after(item: pytest.Item, attempts: int, suite_reruns: int) -> None:
    """
    Have it count, in the process of a test, what has been before.

    The attempts of this test that have died: it asks so after a crash of a worker. And, for ``--max-suite-reruns``, the
    attempts of all tests.
    """
    database = _database(item)
    if attempts and _plugin(item) and hasattr(database, "get_test_failures"):
        nodeid, ask = item.nodeid, database.get_test_failures
        database.get_test_failures = lambda asked, *rest: attempts if asked == nodeid else ask(asked, *rest)
    for _ in range(suite_reruns - count_for_suite(item)):
        database.increment_suite_reruns()


def count_for_suite(item: pytest.Item) -> int:
    """How many attempts of all tests were run again; 0 in a worker of pytest-xdist, whose controller counts them."""
    count: int = _database(item).get_suite_reruns() if _counts_suite(item) else 0
    return count


def note_for_suite(item: pytest.Item, report: pytest.TestReport) -> None:
    """Count, where pytest runs, what was run again in the process of a test."""
    if str(report.outcome) == "rerun" and _counts_suite(item):
        _database(item).increment_suite_reruns()


def _counts_suite(item: pytest.Item) -> bool:
    return not is_worker(item.config) and hasattr(_database(item), "get_suite_reruns")


def _reruns(item: pytest.Item) -> int | None:
    """How often it may be run again; ``None`` where it may not, or a version of the plugin doesn't say so."""
    count: Any = getattr(_plugin(item), "get_reruns_count", lambda _: None)
    reruns: int | None = count(item)
    return reruns


def _plugin(item: pytest.Item) -> Any:
    return sys.modules.get("pytest_rerunfailures") if _database(item) else None


def _database(item: pytest.Item) -> Any:
    return getattr(item.config, "failures_db", None)
