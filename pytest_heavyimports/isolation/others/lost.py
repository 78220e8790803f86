"""Plugins that keep something for the session which isolated tests can't give them, and those that may do so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from ...config.private import fixturedefs_of
from ...config.sources import plugin_name
from ...facts.names import root

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    Lost(
        "pytest-metadata",
        "pytest_metadata",
        "it does not get what they add to the metadata",
        fixtures=frozenset({"metadata"}),
    ),
    Lost("pytest-bdd", "pytest_bdd", "its file of Cucumber has no scenario", option="cucumber_json_path"),
    Lost("pytest-bdd", "pytest_bdd", "it does not show the steps", option="gherkin_terminal_reporter"),
)
HARMLESS = frozenset(
    (
        "_hypothesis_pytestplugin inline_snapshot pytest_benchmark pytest_cov pytest_django pytest_html "
        "pytest_httpserver pytest_jsonreport pytest_rerunfailures pytest_run_parallel syrupy testmon xdist"
    ).split()
)
"""Packages that notice tests, and of which nothing is lost: each is tried by ``nox --session plugins``."""
_OURS = ("_pytest", "pytest", "pytest_heavyimports")
_IN_A_TEST = frozenset(
    f"pytest_{name}"
    for name in (
        "runtest_protocol runtest_setup runtest_call runtest_teardown runtest_makereport pyfunc_call fixture_setup "
        "fixture_post_finalizer exception_interact assertion_pass"
    ).split()
)
"""Hooks that are called in the process of the test."""
_AT_THE_END = frozenset(("pytest_sessionfinish", "pytest_terminal_summary", "pytest_unconfigure"))
_BETWEEN_TESTS = frozenset(("pytest_runtest_makereport", "pytest_runtest_setup"))
"""Who has both looks, before a test, at the outcomes of earlier ones."""


def words_on_lost(config: pytest.Config, isolated: list[pytest.Item]) -> list[str]:
    """A line on each plugin of this run that loses something."""
    found = [each for each in LOST if each.concerned(config, isolated)]
    lines = [f"heavy_isolated: {each.plugin} loses something: of isolated tests, {each.what}" for each in found]
    return lines + [
        f"heavy_isolated: {plugin} may lose something: what it keeps of isolated tests ends with their processes, "
        "unless it implements pytest_heavy_isolated_send"
        for plugin in _suspects(config, isolated)
    ]


def _suspects(config: pytest.Config, isolated: list[pytest.Item]) -> Iterator[str]:
    """The plugins of this run that notice tests, want to know of it later, and are not known to lose nothing."""
    if not isolated:
        return
    known = HARMLESS.union(_OURS, (each.module for each in LOST))
    hooks: dict[str, set[str]] = {}
    for name, plugin in config.pluginmanager.list_name_plugin():
        module = getattr(plugin, "__name__", "") if type(plugin) is type(sys) else type(plugin).__module__
        if plugin is None or root(module) in known:
            continue
        file = str(getattr(sys.modules.get(module), "__file__", ""))
        is_conftest = name.endswith("conftest.py") or file.endswith("conftest.py")
        called = plugin_name(config, name if name.endswith("conftest.py") else file) if is_conftest else root(module)
        implemented = hooks.setdefault(called, set())
        implemented.update(caller.name for caller in config.pluginmanager.get_hookcallers(plugin) or ())
        if not is_conftest and _is_used_by_fixtures(root(module), isolated):
            implemented.add("pytest_fixture_setup")
    for called, names in hooks.items():
        is_asked_later = names & _AT_THE_END and names & _IN_A_TEST
        if (is_asked_later or names >= _BETWEEN_TESTS) and "pytest_heavy_isolated_send" not in names:
            yield called


def _is_used_by_fixtures(package: str, isolated: list[pytest.Item]) -> bool:
    """Whether a test uses a fixture of a package."""
    definitions = (each for item in isolated for found in fixturedefs_of(item).values() for each in found)
    return any(root(str(getattr(each.func, "__module__", ""))) == package for each in definitions)


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
