"""A GPU run that skipped everything has shown nothing: ``--fail-if-all-skip`` says so."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-if-all-skip", action="store_true", help="fail where no test ran to its end")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--fail-if-all-skip", False):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if not any(reporter.stats.get(outcome) for outcome in ("passed", "failed", "error")):
            reporter.write_line("Every test was skipped: there is no usable CUDA device here.", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
