"""Beside pytest-forked, which runs each test in a forked child and sends its reports back."""

from __future__ import annotations

import pytest

from ..support.guarded import AFTERWARDS, MODES, Guarded, failures
from .others import needs

pytestmark = [
    needs("pytest_forked"),
    pytest.mark.skipif(
        pytest.version_tuple[:2] >= (9, 2), reason="pytest-forked 1.7.5 fails every test under pytest 9.2"
    ),
]
FORKED = ("-p", "pytest_forked", "--forked")


@pytest.mark.parametrize("mode", MODES)
def test_a_leak_in_a_child(guarded: Guarded, mode: str) -> None:
    """The culprit is told as elsewhere; nobody else is touched, since the child is gone."""
    guarded.suite.tests("import plainpkg, sys\n\ndef test_it():\n    del sys.modules['plainpkg']\n", "test_a.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, *FORKED)
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_a.py::test_it"])
    assert result.parseoutcomes()["passed"] == 2
    assert guarded.suite.executions() == {"plainpkg": 1}


def test_each_child_imports_for_itself(guarded: Guarded) -> None:
    """What is first imported by a fixture is imported in each child, and with preload once, before."""
    guarded.suite.tests("def test_a(plainpkg): pass\n\ndef test_b(plainpkg): pass\n")
    guarded.run("error", *FORKED).assert_outcomes(passed=2)
    assert guarded.suite.executions() == {"plainpkg": 2}
    guarded.run("error", *FORKED, "--heavy-preload").assert_outcomes(passed=2)
    assert guarded.suite.executions() == {"plainpkg": 3}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_isolated_tests(guarded: Guarded, method: str) -> None:
    """They run in processes of ours, where pytest-forked forks again: the crash that it tells is told here."""
    guarded.suite.tests(
        f"""
        import os

        import pytest

        @pytest.mark.heavy_isolated(method="{method}")
        def test_die(): os.abort()

        @pytest.mark.heavy_isolated(method="{method}")
        def test_pass(plainpkg): pass

        def test_forked(plainpkg): pass
        """
    )
    result = guarded.run("error", *FORKED)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*running the test CRASHED with signal 6 (SIGABRT)*"])


def test_stand_ins(guarded: Guarded) -> None:
    """They are there in the children, and a test that needs the real module is skipped."""
    guarded.suite.tests(
        """
        import plainpkg

        def test_it():
            plainpkg.work(1)
            plainpkg.work.assert_called_once_with(1)

        def test_needs_it():
            assert plainpkg.answer + 1 == 43
        """
    )
    guarded.run("error", *FORKED, "--heavy-stub=plainpkg").assert_outcomes(passed=1, skipped=1)
