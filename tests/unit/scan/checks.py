"""Checks of one rule on one text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from pytest_heavyimports.scan.examine import Asked, Standard, examine
from pytest_heavyimports.scan.heaviness import Heaviness
from pytest_heavyimports.scan.source import Naming, Source

HEAVINESS = Heaviness(
    frozenset({"torch", "app.stages"}), {"app.worker": "app.model", "app.model": "torch"}, frozenset({"app", "tests"})
)
"""torch and a module of the code under test are declared; two more lead to torch."""


def source(text: str, *, file: str = "tests/test_it.py", module: str = "", fixtures: Iterable[str] = ()) -> Source:
    """A file of a suite."""
    return Source(file, textwrap.dedent(text).lstrip("\n"), HEAVINESS, module=module, heavy_fixtures=fixtures)


def found(rule: str, text: str, *, file: str = "tests/test_it.py", fixtures: Iterable[str] = ()) -> Mapping[int, str]:
    """What a rule finds: messages by line."""
    data = textwrap.dedent(text).lstrip("\n").encode()
    result = examine(Asked(file, "", data, frozenset(fixtures)), Standard(HEAVINESS, Naming()))
    assert not result.fault
    return {finding.line: finding.message for finding in result.findings if finding.rule == rule}


def check_noop(rule: str, text: str, *, file: str = "tests/test_it.py") -> None:
    """The rule finds nothing."""
    assert found(rule, text, file=file) == {}


def check_found(rule: str, text: str, expected: Mapping[int, str], *, file: str = "tests/test_it.py") -> None:
    """The rule finds this, and an ``ignore`` of it at the end of these lines is heard."""
    assert found(rule, text, file=file) == expected
    lines = textwrap.dedent(text).lstrip("\n").split("\n")
    for line in expected:
        lines[line - 1] += f"  # heavyimports: ignore[other, {rule}] it is meant"
    assert found(rule, "\n".join(lines), file=file) == {}
