"""Beside pytest-json-report, which notes each phase on the test, and writes what it is told."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from .isolating import WAYS, write
from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = needs("pytest_jsonreport")
REPORT = (
    "-p",
    "pytest_metadata.plugin",
    "-p",
    "pytest_jsonreport.plugin",
    "--json-report",
    "--json-report-file=r.json",
)
TESTS = """
    import logging
    import os
    import sys
    import warnings

    @alone
    def test_notes(json_metadata):
        print("output")
        print("errors", file=sys.stderr)
        logging.getLogger().warning("logged %s", 1)
        json_metadata["own"] = {"a": [1]}

    def test_here(json_metadata):
        json_metadata["here"] = True

    @alone
    def test_fails(record_property):
        record_property("number", 3)
        assert [1] == [2]

    @alone
    def test_warns():
        warnings.warn("careful")

    @pytest.fixture
    def breaking():
        yield
        assert 0

    @alone
    def test_breaks(breaking): pass

    @alone
    def test_dies():
        if os.environ.get("DIES"):
            os.abort()
    """
BY_CHANCE = {"duration", "created", "thread", "process", "msecs", "relativeCreated", "pathname", "path"}


def plain(value: Any) -> Any:
    """Without times, processes and places."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in BY_CHANCE}
    return [plain(item) for item in value] if isinstance(value, list) else value


def report(suite: Suite) -> dict[str, Any]:
    """What it has written of tests and warnings."""
    written = json.loads(re.sub(r"0x[0-9a-f]+|\[gw\d\]", "", (suite.path / "r.json").read_text()))
    tests = {test["nodeid"]: plain(test) for test in written["tests"]}
    for test in tests.values():
        test["keywords"] = sorted(set(test["keywords"]) - {"heavy_isolated", "pytestmark"})
        test.pop("lineno")
    warned = [warning["message"] for warning in written.get("warnings", []) if "rewritten" not in warning["message"]]
    return {"tests": tests, "warnings": warned, "summary": written["summary"]}


@pytest.mark.parametrize(("method", "workers"), WAYS)
def test_the_same_report(suite: Suite, method: str, workers: tuple[str, ...]) -> None:
    """Phases, output, logs, metadata, warnings; a death is there as a failure, in whatever phase."""
    found = {}
    for how in ("", method):
        write(suite, how, TESTS)
        suite.run(*REPORT, *workers)
        found[how] = report(suite)
    assert found[method] == found[""]
    suite.run(*REPORT, *workers, DIES="1")
    died = report(suite)["tests"]["test_it.py::test_dies"]
    assert died["outcome"] == "failed"
    assert "Signal SIGABRT ended the process" in died["call"]["longrepr"]
