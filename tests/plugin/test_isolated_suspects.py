"""Plugins that nobody has tried beside isolated tests: a line names those that may lose something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite

TESTS = """
    import pytest

    @pytest.mark.heavy_isolated
    def test_alone(request): pass

    @pytest.mark.heavy_isolated
    def test_uses_it(noting): pass
    """
HOOKS = {
    "makereport": "def pytest_runtest_makereport(item, call): pass\n",
    "setup": "def pytest_runtest_setup(item): pass\n",
    "finish": "def pytest_sessionfinish(session): pass\n",
    "summary": "def pytest_terminal_summary(terminalreporter): pass\n",
    "fixture": "import pytest\n\n@pytest.fixture\ndef noting(): pass\n",
    "send": "def pytest_heavy_isolated_send(item): pass\n",
    "header": "def pytest_report_header(config): pass\n",
    "registered": "class Own:\n    def pytest_runtest_call(self): pass\n\n"
    "def pytest_configure(config):\n    config.pluginmanager.register(Own())\n",
}


def told(suite: Suite, *args: str) -> list[str]:
    """Who may lose something, before the first test."""
    result = suite.run(*args, path=(suite.path,))
    begin = next(number for number, line in enumerate(result.outlines) if line.startswith("test_it.py"))
    end = " may lose something: what it keeps of isolated tests ends with their processes, unless it implements "
    lines = [line for line in result.outlines[:begin] if end in line]
    return [line.removeprefix("heavy_isolated: ").partition(" ")[0] for line in lines]


@pytest.mark.parametrize(
    ("hooks", "is_told"),
    [
        ("makereport setup", True),
        ("makereport summary", True),
        ("setup finish", True),
        ("registered finish", True),
        ("makereport", False),
        ("makereport fixture", False),
        ("finish summary", False),
        ("makereport finish send", False),
        ("header setup", False),
    ],
)
@pytest.mark.parametrize("file", ["conftest.py", "their_plugin.py"])
def test_who_is_named(suite: Suite, file: str, hooks: str, is_told: bool) -> None:
    """Who notices tests and looks back on them later, in whatever object it has its hooks."""
    suite.write("conftest.py", HOOKS["fixture"])
    suite.tests(TESTS)
    text = "".join(HOOKS[each] for each in hooks.split() if each != "fixture")
    suite.write(file, (HOOKS["fixture"] if file == "conftest.py" else "") + text)
    args = () if file == "conftest.py" else ("-p", "their_plugin")
    assert told(suite, *args) == ([file.removesuffix(".py") if args else file] if is_told else [])


def test_a_plugin_with_a_fixture(suite: Suite) -> None:
    """It may note in the fixture what it writes at the end: where an isolated test uses it."""
    suite.write("their_plugin.py", HOOKS["fixture"] + HOOKS["finish"])
    suite.tests(TESTS)
    assert told(suite, "-p", "their_plugin") == ["their_plugin"]
    assert told(suite, "-p", "their_plugin", "-k", "alone") == []


def test_without_isolated_tests(suite: Suite) -> None:
    """Nothing is told."""
    suite.write("conftest.py", HOOKS["makereport"] + HOOKS["setup"] + HOOKS["fixture"])
    suite.tests("def test_it(noting): pass\n")
    assert told(suite) == []
