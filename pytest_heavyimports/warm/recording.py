"""
A plugin of pytest that records what has become of each test, for ``heavyimports run --verify``.

It is given by ``-p`` in each of the runs that are compared. Messages lose what is another one in each process.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from ..config.options import is_worker

_OF_THE_PROCESS = re.compile(r"0x[0-9a-fA-F]+|pytest-of-\w+/pytest-\d+|\b\d+\.\d+ ?s\b|\bpid[ =]\d+", re.IGNORECASE)
"""In messages: addresses, the directory of temporary directories, durations, numbers of processes."""
_SHOWN = 300


def pytest_addoption(parser: pytest.Parser) -> None:
    """The file of the record."""
    parser.addoption("--heavy-record", help="for heavyimports run --verify")


def pytest_configure(config: pytest.Config) -> None:
    """Record in the process that tells of the tests, not in workers of pytest-xdist."""
    if not is_worker(config):
        config.pluginmanager.register(_Recorder(config), "heavyimports-recorder")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Add the packages that the test touches, where it runs: pytest-xdist sends what is added."""
    report = yield
    if report.when == "call" or report.outcome == "failed":
        report.heavy_touched = _touched(item)
    return report


class _Recorder:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._tests: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = self._tests.setdefault(report.nodeid, {"outcome": "", "message": "", "captured": [], "touched": []})
        outcome = f"x{report.outcome}" if hasattr(report, "wasxfail") else report.outcome
        if report.when == "call" or outcome != "passed":
            test["outcome"] += (
                f"{', ' * bool(test['outcome'])}{outcome}{f' in {report.when}' * (report.when != 'call')}"
            )
            test["message"] += _message(report)
        test["captured"] += sorted({name for name, text in report.sections if text.strip()} - {*test["captured"]})
        test["touched"] = getattr(report, "heavy_touched", test["touched"])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed":
            self._tests[report.nodeid] = {
                "outcome": f"{report.outcome} in collection",
                "message": _message(report),
                "captured": [],
                "touched": [],
            }

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        record = {"root": str(self._config.rootpath), "status": int(exitstatus), "tests": self._tests}
        Path(self._config.option.heavy_record).write_text(json.dumps(record), encoding="utf-8")


def _message(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    # Of a skipped test: the file, the line and the reason.
    text = (
        crash.message if crash else report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longreprtext
    )
    return _OF_THE_PROCESS.sub("…", text or "")[:_SHOWN]


def _touched(item: pytest.Item) -> list[str]:
    """The packages of what the module of a test, and its fixtures, have by name."""
    values = [*vars(getattr(item, "module", None) or sys).values(), *getattr(item, "funcargs", {}).values()]
    names = set()
    for value in values:
        name = (
            getattr(value, "__name__", "")
            if type(value) is type(sys)
            else type.__getattribute__(type(value), "__module__")
        )
        module = vars(value).get("__module__") if isinstance(value, type) else None
        names |= {str(found).partition(".")[0] for found in (name, module) if found}
    return sorted(names - sys.stdlib_module_names)
