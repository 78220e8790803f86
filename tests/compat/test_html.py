"""Beside pytest-html, which writes a page of what the process that runs pytest is told."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from .isolating import WAYS, write
from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = needs("pytest_html")
HTML = ("-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin", "-p", "pytest_html.fixtures", "--html=page.html")
TESTS = """
    import os

    from pytest_html import extras as made

    @alone
    def test_extras(extras):
        print("output")
        extras.append(made.text("text of the test", name="Own"))
        extras.append(made.json({"a": 1}))

    def test_here(extras):
        extras.append(made.text("here"))

    @alone
    def test_fails():
        assert [1] == [2]

    @alone
    @pytest.mark.skip(reason="why not")
    def test_skipped(): pass

    @alone
    def test_dies():
        if os.environ.get("DIES"):
            os.abort()
    """


def shown(test: dict[str, Any]) -> tuple[Any, ...]:
    """Of one test, without times and places."""
    return test["result"], test["extras"], re.sub(r"\d\d:\d\d:\d\d|/[^ \"]*/|0x[0-9a-f]+|\[gw\d\]", "", test["log"])


def page(suite: Suite) -> dict[str, Any]:
    """What it shows of each test, without times."""
    text = (suite.path / "page.html").read_text()
    found = re.search(r'data-jsonblob="([^"]*)"', text)
    assert found
    tests = json.loads(html.unescape(found[1]))["tests"]
    return {name: [shown(one) for one in rows] for name, rows in sorted(tests.items())}


@pytest.mark.parametrize(("method", "workers"), WAYS)
def test_the_same_page(suite: Suite, method: str, workers: tuple[str, ...]) -> None:
    """Outcomes, output and extras; a death is there as a failure."""
    found = {}
    for how in ("", method):
        write(suite, how, TESTS)
        suite.run(*HTML, *workers)
        found[how] = page(suite)
    assert found[method] == found[""]
    suite.run(*HTML, *workers, DIES="1")
    (died,) = page(suite)["test_it.py::test_dies"]
    assert died[0] == "Failed"
    assert "Signal SIGABRT ended the process" in died[2]
