"""Beside pytest-sugar, which puts a reporter of its own in the place of pytest's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import AFTERWARDS, Guarded
from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = needs("pytest_sugar")
SUGAR = ("-p", "pytest_sugar", "--force-sugar", "--color=no")


@pytest.mark.parametrize("flags", [(), ("-v",), ("-q",)])
def test_the_section(guarded: Guarded, flags: tuple[str, ...]) -> None:
    """It is printed whole, once, before the results."""
    guarded.suite.tests("import sys\n\ndef test_it(plainpkg):\n    del sys.modules['plainpkg']\n", "test_a.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("restore", *SUGAR, *flags)
    text = result.stdout.str()
    assert text.count("heavy imports") == 1
    assert text.count("test_a.py::test_it: left plainpkg displaced: put back") == 1
    assert ("imported: plainpkg" if "-q" in flags else "plainpkg 2.3.1") in text
    assert text.index("put back\n\nResults") < text.index("2 passed")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_isolated_tests(suite: Suite, method: str) -> None:
    """Each is shown once, with its outcome, those that died included."""
    suite.tests(
        f"""
        import os

        import pytest

        pytestmark = pytest.mark.heavy_isolated(method="{method}")

        def test_pass(): pass

        def test_fail(): assert False

        def test_skip(): pytest.skip("later")

        def test_die(): os.abort()
        """
    )
    result = suite.run(*SUGAR, "-v")
    text = result.stdout.str()
    for outcome in ("1 passed", "2 failed", "1 skipped"):
        assert outcome in text
    assert "Signal SIGABRT ended the process" in text


def test_skipped_for_a_stand_in(guarded: Guarded) -> None:
    """A test that needs the real module is shown as skipped, not as failed."""
    guarded.suite.tests("import plainpkg\n\ndef test_it():\n    assert plainpkg.answer + 1 == 43\n")
    text = guarded.run("error", *SUGAR, "--heavy-stub=plainpkg", "-rs").stdout.str()
    assert "1 skipped" in text
    assert "failed" not in text


def test_lists(guarded: Guarded) -> None:
    """``--heavy-list`` prints what it prints without."""
    assert guarded.run("error", *SUGAR, "--heavy-list").outlines == guarded.run("error", "--heavy-list").outlines
