"""Beside pytest-mock, whose mockers undo their patches when their scope ends."""

from __future__ import annotations

import pytest

from ..support.guarded import AFTERWARDS, MODES, Guarded, failures
from ..support.guarded import owners_told as told
from .others import needs

pytestmark = needs("pytest_mock")


@pytest.mark.parametrize("mode", MODES)
def test_fakes_that_a_mocker_takes_out(guarded: Guarded, mode: str) -> None:
    """``mocker.patch.dict(sys.modules, ...)`` is undone by the test's own fixture: nobody is blamed."""
    guarded.suite.tests(
        """
        import sys

        import pytest

        def test_fake(mocker, plainpkg):
            mocker.patch.dict(sys.modules, {"plainpkg": mocker.MagicMock(answer=43)})
            import plainpkg as fake
            assert fake.answer == 43

        def test_not_installed(mocker):
            mocker.patch.dict(sys.modules, {"plainpkg": None})
            with pytest.raises(ImportError):
                import plainpkg

        def test_attribute(mocker, plainpkg):
            mocker.patch("plainpkg.answer", 44)
            assert plainpkg.answer == 44
            mocker.stopall()
            assert plainpkg.answer == 42

        @pytest.fixture(scope="module")
        def faked(module_mocker):
            module_mocker.patch.dict(sys.modules, {"plainpkg": module_mocker.MagicMock(answer=45)})

        @pytest.mark.parametrize("number", range(2))
        def test_fake_of_the_module(faked, number):
            import plainpkg
            assert plainpkg.answer == 45
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, "-p", "pytest_mock", "-W", "error")
    result.assert_outcomes(passed=6)
    assert told(result) == []
    assert guarded.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize("mode", MODES)
def test_a_first_import_that_a_mocker_takes_back(guarded: Guarded, mode: str) -> None:
    """What is first imported while ``sys.modules`` is patched is thrown out at the end; it comes back, the same."""
    guarded.suite.tests(
        """
        import sys

        def test_first(mocker):
            mocker.patch.dict(sys.modules, {"elsewhere": mocker.MagicMock()})
            import plainpkg.part
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, "-p", "pytest_mock")
    assert guarded.suite.executions() == {"plainpkg": 1, "plainpkg.part": 1}
    assert told(result) == [
        "test_a.py::test_first (teardown of fixture 'mocker'): left plainpkg and 1 more displaced: put back"
    ]
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_a.py::test_first"])


def test_patching_a_deferred_module(guarded: Guarded) -> None:
    """``mocker.patch("plainpkg.answer")`` loads it, and the module has its own attribute back in the next test."""
    guarded.suite.tests(
        """
        import plainpkg

        def test_a(mocker):
            mocker.patch("plainpkg.answer", 44)
            assert plainpkg.answer == 44

        def test_b():
            assert plainpkg.answer == 42
        """
    )
    guarded.run("error", "-p", "pytest_mock", "--heavy-defer").assert_outcomes(passed=2)
    assert guarded.suite.executions() == {"plainpkg": 1}


def test_patching_a_stand_in(guarded: Guarded) -> None:
    """It is patched as the real module is."""
    guarded.suite.tests(
        """
        import plainpkg

        def test_a(mocker):
            work = mocker.patch("plainpkg.work", return_value=1)
            assert plainpkg.work(2) == 1
            work.assert_called_once_with(2)

        def test_spy(mocker):
            spy = mocker.spy(plainpkg, "work")
            plainpkg.work(3)
            spy.assert_called_once_with(3)

        def test_b():
            assert not plainpkg.work.called
        """
    )
    guarded.run("error", "-p", "pytest_mock", "--heavy-stub=plainpkg").assert_outcomes(passed=3)
    assert not guarded.suite.executions()
