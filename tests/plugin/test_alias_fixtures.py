"""The fixtures that are made from declarations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..support.suite import Suite

GREET = "greet = counted:greet"


def test_an_alias_gives_the_declared_object(suite: Suite) -> None:
    """A declared name is a fixture in functions, classes, parametrised tests and other fixtures."""
    suite.declare("counted", GREET, "size = counted:Thing.size")
    suite.tests(
        """
        import sys

        import pytest

        @pytest.fixture
        def answer(counted):
            return counted.answer

        def test_function(counted, answer):
            assert counted is sys.modules["counted"]
            assert answer == 42

        class TestInAClass:
            def test_method(self, greet, size):
                assert (greet("you"), size) == ("hello you", 7)

        @pytest.mark.parametrize("name", ["you", "me"])
        def test_parametrised(greet, name):
            assert greet(name) == f"hello {name}"

        @pytest.mark.usefixtures("counted")
        def test_used():
            assert "counted" in sys.modules
        """
    )
    suite.run().assert_outcomes(passed=5)
    assert suite.executions() == {"counted": 1}


def test_the_scope_is_the_session(suite: Suite) -> None:
    """A session fixture may ask for an alias, and two files get the identical object."""
    suite.declare("counted")
    suite.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def seen(counted):
            return [counted]
        """,
    )
    for file in ("test_a.py", "test_b.py"):
        suite.tests("def test_it(seen, counted):\n    assert seen == [counted]\n", file)
    suite.run().assert_outcomes(passed=2)
    assert suite.executions() == {"counted": 1}


def test_nothing_is_imported_before_a_test_asks(suite: Suite) -> None:
    """Tests that don't ask run without, also when others were deselected."""
    suite.declare("counted")
    suite.tests(
        "import sys\n\ndef test_light():\n    assert 'counted' not in sys.modules\n\ndef test_h(counted): pass\n"
    )
    suite.run("-k", "light").assert_outcomes(passed=1, deselected=1)
    assert not suite.executions()


def test_fixtures_are_listed_with_their_declaration(suite: Suite) -> None:
    """``pytest --fixtures`` shows each alias with the line and where it was written."""
    suite.declare("counted >= 1.5", GREET)
    result = suite.run("--fixtures")
    result.stdout.fnmatch_lines(
        [
            "counted [[]session scope[]] -- *",
            "    *'counted >= 1.5' (pytest.ini, [[]pytest[]], line 1 of heavy_modules)*",
            "",
            "greet [[]session scope[]] -- *",
            "    *'greet = counted:greet' (pytest.ini, [[]pytest[]], line 2 of heavy_modules)*",
        ]
    )
    assert not suite.executions()


def test_the_suite_may_override_an_alias(suite: Suite) -> None:
    """A fixture of the same name in a conftest goes before, and may ask for the declared one."""
    suite.declare("counted")
    suite.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def counted(counted):
            return [counted]
        """,
    )
    suite.tests("def test_it(counted):\n    assert counted[0].answer == 42\n")
    suite.run().assert_outcomes(passed=1)


def test_a_broken_module_is_an_error_each_time(suite: Suite) -> None:
    """A module that breaks while it is imported is an error, never a skip, is tried once and says where."""
    suite.declare("halfway", "needy")
    suite.tests(
        """
        def test_one(halfway): pass
        def test_two(halfway): pass
        def test_three(needy): pass
        """
    )
    result = suite.run()
    result.assert_outcomes(errors=3)
    assert suite.executions() == {"halfway": 1, "needy": 1}
    note = "'halfway' failed while it was imported: test_it.py::test_one (setup of fixture 'halfway'). "
    assert result.stdout.str().count(f"\nE   {note}It is not tried again.") == 2
    result.stdout.fnmatch_lines(["E*OSError: libhalfway.so: cannot open shared object file*"])
    result.stdout.fnmatch_lines(["E*ModuleNotFoundError: No module named 'not_there_at_all'"])


def test_the_traceback_shows_the_broken_module_and_nothing_of_ours(suite: Suite) -> None:
    """What a user reads begins in the module that broke."""
    suite.declare("halfway")
    suite.tests("def test_one(halfway): pass\ndef test_two(halfway): pass\n")
    text = suite.run().stdout.str()
    assert re.search(r"halfway/__init__\.py:\d+: OSError", text)
    assert "pytest_heavyimports" not in text.replace("pytest_heavyimports.plugin", "")
    assert "<frozen importlib" not in text


def test_a_typo_in_a_declaration_names_it(suite: Suite) -> None:
    """An attribute that isn't there is an error that says where it was declared."""
    suite.declare("gret = counted:gret")
    suite.tests("def test_it(gret): pass\n")
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "E*AttributeError: module 'counted' has no attribute 'gret'*",
            "*Declared as 'gret = counted:gret' (pytest.ini, [[]pytest[]], line 1 of heavy_modules).",
        ]
    )
