"""Beside pytest-rerunfailures, which runs a test again inside of one protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import AFTERWARDS, MODES, Guarded, failures, told
from .others import needs

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

pytestmark = needs("pytest_rerunfailures")
RERUNS = ("-p", "pytest_rerunfailures", "--reruns=2")


@pytest.mark.parametrize("mode", MODES)
def test_a_test_that_leaks_once(guarded: Guarded, mode: str) -> None:
    """What an attempt has left displaced is put back before the next, and told once."""
    guarded.suite.tests(
        """
        import sys

        attempts = []

        def test_it(plainpkg):
            attempts.append(1)
            assert sys.modules["plainpkg"] is plainpkg
            if len(attempts) == 1:
                del sys.modules["plainpkg"]
                assert False
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, *RERUNS)
    assert told(result) == ["test_a.py::test_it: left plainpkg displaced: put back"]
    assert result.parseoutcomes()["passed"] == 2
    assert failures(result) == []
    assert guarded.suite.executions() == {"plainpkg": 1}


def test_a_test_that_always_leaks(guarded: Guarded) -> None:
    """Each attempt fails for it, and the last one's failure is the test's."""
    guarded.suite.tests("import sys\n\ndef test_it(plainpkg):\n    del sys.modules['plainpkg']\n", "test_a.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("error", *RERUNS)
    assert told(result) == ["test_a.py::test_it: left plainpkg displaced: put back"] * 3
    assert failures(result) == ["ERROR test_a.py::test_it"]
    assert result.parseoutcomes()["rerun"] == 2


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_isolated_test_is_run_again_in_its_process(suite: Suite, method: str) -> None:
    """The attempts share a process, and are told as they would be without isolation."""
    suite.tests(
        f"""
        import pytest

        attempts = []

        @pytest.mark.heavy_isolated(method="{method}")
        def test_it():
            attempts.append(1)
            assert len(attempts) == 3

        def test_none_ran_here():
            assert not attempts
        """
    )
    result = suite.run(*RERUNS, "-v")
    assert result.parseoutcomes() == {"passed": 2, "rerun": 2}


def test_a_run_s_stand_in_begins_anew_with_each_attempt(suite: Suite, installed: Installed) -> None:
    """What an attempt has called and set is not there in the next."""
    suite.declare("plainpkg")
    suite.tests(
        """
        import plainpkg

        attempts = []

        def test_it():
            attempts.append(1)
            assert not plainpkg.work.called
            assert plainpkg.answer != "set"
            plainpkg.work()
            plainpkg.answer = "set"
            assert len(attempts) == 3
        """
    )
    result = suite.run(*RERUNS, "--heavy-stub=plainpkg", path=(installed.site,), **installed.environment)
    assert result.parseoutcomes() == {"passed": 1, "rerun": 2}


def test_one_test_s_stand_in_is_there_for_each_attempt(suite: Suite, installed: Installed) -> None:
    """By the mark and by the fixture."""
    suite.declare("plainpkg")
    suite.tests(
        """
        import pytest

        attempts = {"mark": 0, "fixture": 0}

        @pytest.mark.heavy_stub("plainpkg")
        def test_mark():
            import plainpkg
            assert not hasattr(plainpkg, "__file__") or not plainpkg.__file__
            attempts["mark"] += 1
            assert attempts["mark"] == 2

        def test_fixture(heavy_stub):
            stand_in = heavy_stub("plainpkg")
            import plainpkg
            assert plainpkg is stand_in
            attempts["fixture"] += 1
            assert attempts["fixture"] == 2
        """
    )
    result = suite.run(*RERUNS, path=(installed.site,), **installed.environment)
    assert result.parseoutcomes() == {"passed": 2, "rerun": 2}
    assert not suite.executions()


def test_a_failed_import_is_not_tried_again(suite: Suite) -> None:
    """Each attempt is told the first error."""
    suite.declare("halfway")
    suite.tests("def test_it(halfway): pass\n")
    result = suite.run(*RERUNS)
    assert result.parseoutcomes() == {"errors": 1, "rerun": 2}
    assert suite.executions()["halfway"] == 1
