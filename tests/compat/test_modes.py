"""Each mode beside each plugin: the outcomes are those without this plugin; and the documentation's table of that."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .suites import SUITES

if TYPE_CHECKING:
    from ..support.warm import WarmSuite

MODES = {
    "guard": ("--heavy-guard=error",),
    "defer": ("--heavy-defer",),
    "stub": ("--heavy-stub=plainpkg",),
    "isolate": ("--heavy-isolate",),
    "warm": (),
}
WORDS = ("PASSED", "FAILED", "ERROR", "SKIPPED", "XFAIL", "XPASS", "RERUN", "SUBFAILED")
TABLE = Path(__file__).parents[2] / "docs" / "other-plugins.json"


def outcomes(result: pytest.RunResult) -> Counter[str]:
    """Each line of ``-rA`` without its reason, in no order, and the exit status."""
    lines = (line.partition(" - ")[0] for line in result.outlines if line.removeprefix("PARALLEL ").startswith(WORDS))
    # A skip is told by its reason and the line in pytest, of which there may be several.
    return Counter(
        [*(line.split(":", 1)[0] if line.startswith("SKIPPED") else line for line in lines), f"exit {result.ret}"]
    )


def note(plugin: str, mode: str, is_same: bool) -> None:
    """Write down what has been found, for the documentation."""
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    row = table.setdefault(plugin, {})
    row["version"] = importlib.metadata.version(plugin)
    row[mode] = is_same
    written = TABLE.with_suffix(".new")
    written.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n")
    written.replace(TABLE)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("plugin", SUITES)
def test_outcomes(warm: WarmSuite, plugin: str, mode: str, pytestconfig: pytest.Config) -> None:
    """Test by test, failures among them; a warm run twice, as the second is the one that finds something imported."""
    tried = SUITES[plugin]
    if importlib.util.find_spec(tried.module) is None:
        pytest.skip(f"{plugin} is not installed")
    suite = warm.suite
    for file, text in tried.more:
        suite.write(file, text)
    suite.tests(tried.text)
    suite.write("pytest.ini", f"[pytest]\nheavy_modules = plainpkg\n{tried.settings}\n")
    args = ("-rA", "-p", "no:cacheprovider", *tried.args)
    if plugin == "pytest-testmon":
        args = ("-rA", *tried.args)
    # Only the fixture and the setting are there: nothing of this plugin is on.
    wanted = outcomes(warm.plain(*args))
    assert wanted["exit 1"] and sum(wanted.values()) > 2
    found = []
    for _ in range(2 if mode == "warm" else 1):
        for file in suite.path.glob(".testmondata*"):
            file.unlink()
        found.append(warm.run(*args) if mode == "warm" else warm.plain(*args, *MODES[mode]))
    is_same = all(outcomes(result) == wanted for result in found)
    if pytestconfig.getoption("write_table", False):
        note(plugin, mode, is_same)
    for result in found:
        assert outcomes(result) == wanted, result.stdout.str()
