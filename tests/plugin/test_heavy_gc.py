"""The setting heavy_gc."""

from __future__ import annotations

import pytest

from ..support.suite import Suite, usage_errors

TESTS = """
import gc

def test_it(watcher):
    assert (watcher.was_enabled, gc.isenabled(), gc.get_freeze_count() > watcher.frozen) == {expected}
"""


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (None, (False, True, False)),
        ("pause", (False, True, False)),
        ("off", (True, True, False)),
        ("freeze", (False, True, True)),
    ],
)
@pytest.mark.parametrize("by", ["flag", "ini"])
def test_modes(suite: Suite, mode: str | None, expected: tuple[bool, ...], by: str) -> None:
    """Whether the collector runs during a heavy import, after it, and whether what came in is frozen."""
    suite.write("watcher.py", "import gc\n\nwas_enabled, frozen = gc.isenabled(), gc.get_freeze_count()\n")
    suite.declare("watcher", **({"heavy_gc": mode} if by == "ini" and mode else {}))
    suite.tests(TESTS.format(expected=expected))
    suite.run(*([f"--heavy-gc={mode}"] if by == "flag" and mode else [])).assert_outcomes(passed=1)


def test_a_failed_import_ends_the_pause(suite: Suite) -> None:
    """The collector runs again after a module that breaks."""
    suite.declare("halfway")
    suite.tests("import gc\n\ndef test_one(halfway): pass\n\ndef test_two():\n    assert gc.isenabled()\n")
    suite.run().assert_outcomes(errors=1, passed=1)


def test_who_has_switched_it_off_finds_it_off(suite: Suite) -> None:
    """A suite that runs without the collector goes on without it."""
    suite.write("conftest.py", "import gc\n\ngc.disable()\n")
    suite.declare("counted")
    suite.tests("import gc\n\ndef test_it(counted):\n    assert not gc.isenabled()\n")
    suite.run().assert_outcomes(passed=1)


def test_another_value_is_refused(suite: Suite) -> None:
    """A value that is none is a usage error."""
    suite.declare(heavy_gc="never")
    assert usage_errors(suite.run_inside()) == [
        "heavy_gc: 'never' is none of pause, off, freeze (pytest.ini, [pytest])."
    ]
