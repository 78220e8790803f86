"""Plugins that are known to keep something for the session which isolated tests can't give them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ...named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest


class Lost(NamedTuple):
    """What one plugin loses."""

    plugin: str
    module: str
    what: str
    """What comes of it, after "of isolated tests,"."""
    fixtures: frozenset[str] = frozenset()
    """Those by which a test uses it."""
    option: str = ""
    """By which it is used, where there is no fixture."""
    writes: tuple[str, str] = ("", "")
    """The option, and its flag, by which it would delete what it believes nobody uses."""

    def concerned(self, config: pytest.Config, isolated: Iterable[pytest.Item]) -> int:
        """How many of the isolated tests use it in this run."""
        if self.module not in sys.modules:
            return 0
        if self.option:
            return len([*isolated]) if config.getoption(self.option, None) else 0
        return sum(not self.fixtures.isdisjoint(getattr(item, "fixturenames", ())) for item in isolated)


LOST = (
    Lost(
        "pytest-harvest",
        "pytest_harvest",
        "it does not get the results",
        fixtures=frozenset({"results_bag", "session_results_dct", "module_results_dct"}),
    ),
    Lost("pytest-profiling", "pytest_profiling", "it profiles how they are waited for", option="profile"),
    Lost(
        "snapshottest",
        "snapshottest",
        "it does not see which snapshots are used, and reports them as deprecated",
        fixtures=frozenset({"snapshot"}),
        writes=("snapshot_update", "--snapshot-update"),
    ),
    Lost("allure-pytest", "allure_pytest", "it writes a second result without steps", option="allure_report_dir"),
)


def words_on_lost(config: pytest.Config, isolated: list[pytest.Item]) -> list[str]:
    """A line on each plugin of this run that loses something."""
    found = [each for each in LOST if each.concerned(config, isolated)]
    return [f"heavy_isolated: {each.plugin} loses something: of isolated tests, {each.what}" for each in found]


def refusal(config: pytest.Config, isolated: list[pytest.Item]) -> str:
    """Why this run is not to begin; empty where it may."""
    for each in LOST:
        option, flag = each.writes
        if option and config.getoption(option, None) and (number := each.concerned(config, isolated)):
            tests = "an isolated test uses" if number == 1 else f"{number} isolated tests use"
            return (
                f"{flag}: {each.plugin} would delete snapshots that {tests}, since it does not see that they are used. "
                f"Update those of other tests by {flag} -m 'not heavy_isolated', without --heavy-isolate."
            )
    return ""
