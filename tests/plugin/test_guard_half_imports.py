"""First imports that fail half-way, under the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import MODES, Guarded, failures
from ..support.suite import section

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

RECORD = "from executions import record\n\nrecord(__name__)\n"
# Ends as the test says, by putting an exception into builtins, after a part of it has been finished.
BREAKABLE = """\
import builtins

from executions import record

record(__name__)
from . import part

if hasattr(builtins, "breaking"):
    raise builtins.breaking
"""


@pytest.fixture(scope="session")
def half_installed(installed: Installed) -> Installed:
    """``breakable`` fails after a part of it is finished, if it is told to; others do so in their ways."""
    installed.add("breakable", "1.0", {"breakable/__init__.py": BREAKABLE, "breakable/part.py": RECORD})
    installed.add("needing-breakable", "1.0", {"needbreakable/__init__.py": "import breakable\n"})
    installed.add(
        "tolerant",
        "1.0",
        {
            "tolerant/__init__.py": "try:\n    from . import extra\nexcept ImportError:\n    extra = None\n",
            "tolerant/extra/__init__.py": "from . import part\nimport notinstalled\n",
            "tolerant/extra/part.py": RECORD,
        },
    )
    installed.add(
        "oneneedy",
        "1.0",
        {
            "oneneedy/__init__.py": RECORD,
            "oneneedy/broken/__init__.py": f"{RECORD}from . import part\nraise OSError('libbroken.so is missing')\n",
            "oneneedy/broken/part.py": RECORD,
        },
    )
    installed.add("flaky", "1.0", {"flaky.py": BREAKABLE.replace("from . import part\n", "")})
    installed.add(
        "sluggishpkg",
        "1.0",
        {
            "sluggishpkg/__init__.py": f"{RECORD}from . import part\nimport time\n\ntime.sleep(20)\n",
            "sluggishpkg/part.py": RECORD,
        },
    )
    return installed


@pytest.fixture
def guarded(suite: Suite, half_installed: Installed) -> Guarded:
    """A suite where the packages that fail half-way are protected."""
    guarded = Guarded(suite, half_installed)
    suite.declare("breakable", "needbreakable", "tolerant", "oneneedy", "flaky", "sluggishpkg", "plainpkg")
    return guarded


HALFWAY = """
import builtins

import pytest

@pytest.fixture(autouse=True)
def breaking(monkeypatch):
    monkeypatch.setattr(builtins, "breaking", {error}, raising=False)

def test_first():
    with pytest.raises(type(builtins.breaking)):
        import breakable
"""


@pytest.mark.parametrize("mode", MODES)
def test_the_first_error_is_raised_again_with_its_place(guarded: Guarded, mode: str) -> None:
    """Later imports get the error that the first one got, with a note on where that was; nothing is executed again."""
    guarded.suite.tests(
        HALFWAY.format(error="OSError('libbreakable.so is missing')")
        + """
def test_second(monkeypatch):
    monkeypatch.delattr(builtins, "breaking")
    import breakable
"""
    )
    result = guarded.run(mode)
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    assert "OSError: libbreakable.so is missing\n" in text
    assert (
        "'breakable' failed half-way while it was first imported: test_it.py:11, in test_it.py::test_first (call). "
        "It can't be done again.\n"
    ) in text
    assert guarded.suite.executions() == {"breakable": 1, "breakable.part": 1}


def test_the_error_is_the_same_each_time(guarded: Guarded) -> None:
    """One error object, one note, and a traceback that doesn't grow from import to import."""
    guarded.suite.tests(
        HALFWAY.format(error="OSError('libbreakable.so is missing')")
        + """
import traceback

def attempt():
    try:
        import breakable
    except OSError as error:
        return error, len(traceback.extract_tb(error.__traceback__)), list(error.__notes__)

def test_later():
    first, second, third = attempt(), attempt(), attempt()
    assert first[0] is second[0] is third[0]
    assert first[1] == second[1] == third[1]
    assert len(third[2]) == 1
"""
    )
    guarded.run("error").assert_outcomes(passed=2)


def test_by_fixture_it_is_the_same_error(guarded: Guarded) -> None:
    """Whether asked for by fixture or by statement, the first error comes, and the module is executed once."""
    guarded.suite.tests(
        """
        import pytest

        def test_part(heavy_module):
            for _ in range(2):
                with pytest.raises(OSError, match="libbroken"):
                    heavy_module("oneneedy.broken")

        def test_statement():
            with pytest.raises(OSError, match="libbroken"):
                import oneneedy.broken
        """
    )
    guarded.run("error").assert_outcomes(passed=2)
    assert guarded.suite.executions() == {"oneneedy": 1, "oneneedy.broken": 1, "oneneedy.broken.part": 1}


def test_the_parent_of_a_broken_part_is_whole(guarded: Guarded) -> None:
    """Only the part that failed half-way is lost; its package and that one's other uses go on."""
    guarded.suite.tests(
        """
        import pytest

        def test_part():
            with pytest.raises(OSError):
                import oneneedy.broken

        def test_parent():
            import oneneedy
            assert oneneedy.__spec__.name == "oneneedy"
        """
    )
    guarded.run("error").assert_outcomes(passed=2)
    assert guarded.suite.executions()["oneneedy"] == 1


@pytest.mark.parametrize("mode", MODES)
def test_an_inner_failure_that_the_package_catches_does_not_count(guarded: Guarded, mode: str) -> None:
    """A part that a package tries, and whose ImportError it catches, is tried again when it is asked for."""
    guarded.suite.tests(
        """
        import sys
        import types

        import pytest

        def test_without():
            import tolerant
            assert tolerant.extra is None
            with pytest.raises(ModuleNotFoundError, match="notinstalled"):
                import tolerant.extra

        def test_with(monkeypatch):
            monkeypatch.setitem(sys.modules, "notinstalled", types.ModuleType("notinstalled"))
            import tolerant.extra
        """
    )
    guarded.suite.tests(
        """
        import sys
        import types

        def test_later(monkeypatch):
            import tolerant
            assert tolerant.extra is None
            monkeypatch.setitem(sys.modules, "notinstalled", types.ModuleType("notinstalled"))
            import tolerant.extra
            assert tolerant.extra.part.__name__ == "tolerant.extra.part"
        """,
        "test_other.py",
    )
    guarded.run(mode, "test_it.py").assert_outcomes(passed=2)
    guarded.run(mode, "test_other.py").assert_outcomes(passed=1)


def test_a_failure_that_leaves_nothing_behind_is_tried_again(guarded: Guarded) -> None:
    """A module with no finished parts can be imported again from the start, as without the guard."""
    guarded.suite.tests(
        """
        import builtins

        import pytest

        def test_fails(monkeypatch):
            monkeypatch.setattr(builtins, "breaking", ImportError("not yet"), raising=False)
            with pytest.raises(ImportError, match="not yet"):
                import flaky

        def test_works():
            import flaky
        """
    )
    guarded.run("error", "-W", "error").assert_outcomes(passed=2)
    assert guarded.suite.executions() == {"flaky": 2}


@pytest.mark.parametrize("mode", MODES)
def test_what_was_broken_off_gives_half_imported(guarded: Guarded, mode: str) -> None:
    """After Ctrl-C in a first import the next one gets HalfImported, with the place and what broke it off."""
    guarded.suite.tests(
        HALFWAY.format(error="KeyboardInterrupt()")
        + """
def test_second():
    try:
        import breakable
    except ImportError:
        raise AssertionError("it is no ImportError")
"""
    )
    result = guarded.run(mode)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*HalfImported: 'breakable' can't be imported any more: its first import in this process was broken off.",
            "E*first: test_it.py:11, in test_it.py::test_first (call)",
            "E*error: KeyboardInterrupt()",
        ]
    )
    assert guarded.suite.executions() == {"breakable": 1, "breakable.part": 1}


def test_a_time_out_gives_half_imported(guarded: Guarded) -> None:
    """pytest-timeout's failure in a first import is told to the tests that ask later."""
    pytest.importorskip("pytest_timeout")
    guarded.suite.tests(
        """
        import pytest

        @pytest.mark.timeout(0.5)
        def test_first():
            import sluggishpkg

        def test_second():
            import sluggishpkg
        """
    )
    result = guarded.run("restore", "-p", "pytest_timeout", "-o", "timeout_method=signal")
    assert failures(result) == ["FAILED test_it.py::test_first", "FAILED test_it.py::test_second"]
    result.stdout.fnmatch_lines(
        [
            "E*Failed: Timeout (>0.5s) from pytest-timeout.",
            "E*HalfImported: 'sluggishpkg' can't be imported any more: its first import in this process was broken *",
            "E*first: test_it.py:5, in test_it.py::test_first (call)",
            "E*error: Timeout (>0.5s) from pytest-timeout.",
            "E*To have it whole before anything can break it off, declare it in heavy_modules and set heavy_preload *",
        ]
    )


def test_a_package_that_was_broken_off_inside_another(guarded: Guarded) -> None:
    """The one that fails half-way may be needed by the one that is imported: it is never executed again, either."""
    guarded.suite.tests(
        HALFWAY.format(error="KeyboardInterrupt()").replace("import breakable", "import needbreakable")
        + """
def test_second(monkeypatch):
    monkeypatch.delattr(builtins, "breaking")
    with pytest.raises(RuntimeError, match="'breakable' can't be imported any more"):
        import breakable
"""
    )
    guarded.run("error").assert_outcomes(passed=2)
    assert guarded.suite.executions()["breakable"] == 1


def test_the_report_tells_the_failure(guarded: Guarded) -> None:
    """The section at the end has the first import, with its error."""
    guarded.suite.tests(HALFWAY.format(error="OSError('libbreakable.so is missing')"))
    lines = [line for line in section(guarded.run("restore")) if line.startswith("breakable ")]
    assert len(lines) == 1
    assert lines[0].endswith(
        "first: test_it.py:11, in test_it.py::test_first (call); failed: OSError('libbreakable.so is missing')"
    )


def test_lifted_the_import_is_tried_again(guarded: Guarded) -> None:
    """A test that is marked ``heavy_guard("off")`` imports as without the guard."""
    guarded.suite.tests(
        HALFWAY.format(error="OSError('libbreakable.so is missing')")
        + """
@pytest.mark.heavy_guard("off")
def test_second(monkeypatch):
    monkeypatch.delattr(builtins, "breaking")
    import breakable
"""
    )
    guarded.run("error").assert_outcomes(passed=2)
    assert guarded.suite.executions()["breakable"] == 2


APART = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

def test_apart():
    try:
        ident = interpreters.create("legacy")
    except TypeError:
        ident = interpreters.create(isolated=False)
    try:
        assert not interpreters.run_string(ident, "import numpy")
    finally:
        interpreters.destroy(ident)
"""


@pytest.mark.parametrize("asker", ["numpy", "needing_numpy"])
@pytest.mark.parametrize("mode", MODES)
def test_what_another_interpreter_has_initialised_first(
    guarded: Guarded, half_installed: Installed, asker: str, mode: str
) -> None:
    """Who imports it afterwards, and can't, is not blamed: the error has the reason and the remedy."""
    half_installed.add("needing-numpy", "1.0", {"needing_numpy/__init__.py": "import numpy\n"})
    guarded.suite.declare("needing_numpy")
    guarded.suite.tests(APART, "test_a.py")
    guarded.suite.tests(f"def test_one():\n    import {asker}\n\ndef test_two():\n    import {asker}\n", "test_b.py")
    result = guarded.run(mode, "-W", "ignore")
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    assert text.count("'numpy' was initialised before, in another interpreter of this process") == 2
    assert '@pytest.mark.heavy_isolated(method="spawn")' in text
    assert "half-way" not in text
