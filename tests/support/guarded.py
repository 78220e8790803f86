"""An inner run of pytest with the guard on, where small packages are installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .suite import section

if TYPE_CHECKING:
    import pytest

    from .installed import Installed
    from .suite import Suite

MODES = ("restore", "error")

# Comes last: the module is there, and it is the one that the session has always had.
AFTERWARDS = """
    import sys

    def test_afterwards(plainpkg):
        assert sys.modules["plainpkg"] is plainpkg
        import plainpkg as again
        assert again is plainpkg
        assert again.answer == 42
    """


class Guarded:
    """A suite where ``plainpkg`` is installed and declared, and the guard is on."""

    def __init__(self, suite: Suite, installed: Installed) -> None:
        self.suite = suite
        self.installed = installed
        suite.declare("plainpkg")

    def run(self, mode: str, *args: str, autoload: bool = False) -> pytest.RunResult:
        """Run all files, those after a broken one too."""
        always = (f"--heavy-guard={mode}", "--continue-on-collection-errors", "-rfE")
        where = (self.installed.site,)
        return self.suite.run(*always, *args, autoload=autoload, path=where, **self.installed.environment)


def failures(result: pytest.RunResult) -> list[str]:
    """What failed, as the summary names it: ``FAILED nodeid`` or ``ERROR nodeid``."""
    lines = (line for line in result.outlines if line.startswith(("ERROR ", "FAILED ")))
    return [line.partition(" - ")[0] for line in lines]


def owners_told(result: pytest.RunResult) -> list[str]:
    """As :func:`told`, without the statements and the remedies: who has done it, and what became of it."""
    lines = [line for line in told(result) if not line.startswith(" ")]
    return [re.sub(r"(^|taken by )\S+:\d+, in ", r"\1", line) for line in lines]


def told(result: pytest.RunResult) -> list[str]:
    """What the section at the end tells of the guard, without the lines on first imports, and on a slow collection."""
    lines = (line for line in section(result) if not line.startswith("collection took "))
    return [line for line in lines if "  first: " not in line]
