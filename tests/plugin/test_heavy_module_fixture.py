"""The fixture heavy_module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite


def test_all_forms_of_the_call_give_the_identical_objects(suite: Suite) -> None:
    """By module, by reference, by names, by alias: always the same objects, out of one import."""
    suite.declare("c = counted", "thing = counted:Thing", "part = counted.part")
    suite.tests(
        """
        import sys

        def test_module(heavy_module):
            counted = heavy_module("counted")
            assert counted is sys.modules["counted"]
            assert heavy_module("c") is counted

        def test_object(heavy_module):
            greet = heavy_module("counted:greet")
            assert greet is heavy_module("counted", "greet")
            assert greet is heavy_module("c", "greet")
            assert greet("you") == "hello you"

        def test_several(heavy_module):
            greet, size = heavy_module("counted", "greet", "Thing.size")
            assert (greet("you"), size) == ("hello you", 7)

        def test_alias_of_an_object(heavy_module, thing):
            assert heavy_module("thing") is thing
            assert heavy_module("thing", "size") == 7

        def test_submodule(heavy_module, part):
            assert heavy_module("counted.part") is part
            assert heavy_module("counted.part:piece") == "a piece"
        """
    )
    suite.run().assert_outcomes(passed=5)
    assert suite.executions() == {"counted": 1, "counted.part": 1}


def test_nothing_needs_to_be_declared(suite: Suite) -> None:
    """A suite without configuration can use the fixture."""
    suite.tests("def test_it(heavy_module):\n    assert heavy_module('counted').answer == 42\n")
    suite.run("-W", "error", "--strict-config", "--strict-markers").assert_outcomes(passed=1)


def test_the_kinds_of_test(suite: Suite) -> None:
    """Functions, classes, parametrised tests, module and session fixtures, and doctests can ask."""
    suite.write(
        "test_kinds.py",
        '''
        import pytest

        @pytest.fixture(scope="session")
        def of_session(heavy_module):
            return heavy_module("counted")

        @pytest.fixture(scope="module")
        def of_module(heavy_module):
            return heavy_module("counted")

        def test_function(of_session, of_module, heavy_module):
            assert of_session is of_module is heavy_module("counted")

        class TestClass:
            @pytest.fixture(autouse=True)
            def _counted(self, heavy_module):
                self.counted = heavy_module("counted")

            def test_method(self):
                assert self.counted.answer == 42

        @pytest.mark.parametrize("name", ["answer", "Thing"])
        def test_parametrised(heavy_module, name):
            assert heavy_module("counted", name)

        def documented():
            """
            >>> getfixture("heavy_module")("counted").answer
            42
            """
        ''',
    )
    suite.run("--doctest-modules").assert_outcomes(passed=5)
    assert suite.executions() == {"counted": 1}


def test_two_declarations_of_one_module_are_one_import(suite: Suite) -> None:
    """Two aliases of one module, and one of an object in it, share the module."""
    suite.declare("one = counted", "two = counted", "greet = counted:greet")
    suite.tests("def test_it(one, two, greet):\n    assert one is two and two.greet is greet\n")
    suite.run().assert_outcomes(passed=1)
    assert suite.executions() == {"counted": 1}


def test_minversion_and_reason(suite: Suite) -> None:
    """Both mean what they mean in ``pytest.importorskip``."""
    suite.tests(
        """
        def test_new_enough(heavy_module):
            assert heavy_module("counted", minversion="1.5").answer == 42

        def test_too_old(heavy_module):
            heavy_module("counted", minversion="2.0")

        def test_with_a_reason(heavy_module):
            heavy_module("counted", minversion="2.0", reason="needs the new registry")

        def test_missing_with_a_reason(heavy_module):
            heavy_module("not_there_at_all", reason="no GPU stack here")
        """
    )
    result = suite.run("-rs")
    result.assert_outcomes(passed=1, skipped=3)
    result.stdout.fnmatch_lines(
        [
            "SKIPPED [[]1[]] test_it.py:5: 'counted' is version 1.5, and '>= 2.0' is needed",
            "SKIPPED [[]1[]] test_it.py:8: needs the new registry",
            "SKIPPED [[]1[]] test_it.py:11: no GPU stack here",
        ]
    )


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("heavy_module('counted', 'gret')", "AttributeError: module 'counted' has no attribute 'gret'*"),
        ("heavy_module('counted:gret')", "AttributeError: module 'counted' has no attribute 'gret'*"),
        (
            "heavy_module('src/app.py')",
            "pytest_heavyimports.InvalidDeclaration: 'src/app.py' can't be read: 'src/app.py' is no module or "
            "module:attribute. Write it as 'src.app'.",
        ),
        (
            "heavy_module(3)",
            "pytest_heavyimports.InvalidDeclaration: 3 can't be read: it is no text, but of type int. "
            "Write it as 'numpy' or 'package.module:attribute'.",
        ),
        (
            "heavy_module('counted', minversion='latest')",
            "pytest_heavyimports.InvalidDeclaration: 'counted >= latest' can't be read: '>= latest' is no version "
            "specifier. Write it as 'counted >= 1.0'.",
        ),
    ],
)
def test_mistakes_are_failures(suite: Suite, call: str, error: str) -> None:
    """A typo is the test's failure, not a skip, and the traceback ends at the call."""
    suite.tests(f"def test_it(heavy_module):\n    {call}\n")
    result = suite.run("--tb=short")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["test_it.py:2: in test_it", f"    {call}", f"E*{error}"])


def test_the_order_of_tests_makes_no_difference(suite: Suite) -> None:
    """Whoever asks first causes the import, the others get the same object."""
    suite.declare("counted")
    suite.tests("def test_a(heavy_module):\n    assert heavy_module('counted').answer == 42\n", "test_a.py")
    suite.tests("def test_b(counted):\n    assert counted.answer == 42\n", "test_b.py")
    for order in (("test_a.py", "test_b.py"), ("test_b.py", "test_a.py")):
        suite.run(*order).assert_outcomes(passed=2)
    assert suite.executions() == {"counted": 2}


def test_threads_of_a_test_share_the_import(suite: Suite) -> None:
    """Threads that a test starts may ask for a module that nobody has imported yet."""
    suite.tests(
        """
        from concurrent.futures import ThreadPoolExecutor

        def test_it(heavy_module):
            with ThreadPoolExecutor(4) as pool:
                assert len(set(pool.map(heavy_module, ["sluggish"] * 8))) == 1
        """
    )
    suite.run().assert_outcomes(passed=1)
    assert suite.executions() == {"sluggish": 1}


def test_the_registry_is_there_for_other_plugins(suite: Suite) -> None:
    """A plugin gets the registry that the fixtures use."""
    suite.write(
        "conftest.py",
        """
        from pytest_heavyimports.session import registry_of

        def pytest_collection_finish(session):
            assert registry_of(session.config).get("counted").answer == 42
        """,
    )
    suite.tests("def test_it(heavy_module):\n    assert heavy_module('counted:answer') == 42\n")
    suite.run().assert_outcomes(passed=1)
    assert suite.executions() == {"counted": 1}
