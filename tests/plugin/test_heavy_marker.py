"""The mark ``heavy``, which the plugin puts on tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..support.suite import passed_names, usage_errors

if TYPE_CHECKING:
    from ..support.suite import Suite

MIXED = """
    import sys

    import pytest

    @pytest.fixture
    def model(counted):
        return counted

    @pytest.fixture
    def trained(model):
        return model

    def test_light():
        assert "counted" not in sys.modules

    def test_alias(counted):
        pass

    def test_chain(trained):
        pass

    @pytest.mark.usefixtures("trained")
    def test_used():
        pass

    def test_callable(heavy_module):
        pass

    class TestInAClass:
        @pytest.mark.parametrize("number", [1, 2])
        def test_parametrised(self, number, trained):
            pass

    @pytest.mark.heavy("counted")
    def test_by_hand():
        pass
    """


def test_light_tests_are_those_that_ask_for_nothing_heavy(suite: Suite) -> None:
    """``-m "not heavy"`` leaves out whatever asks, through any chain of fixtures, and nothing heavy is imported."""
    suite.declare("counted")
    suite.tests(MIXED)
    result = suite.run("-v", "-m", "not heavy", "--strict-markers")
    assert passed_names(result) == ["test_light"]
    result.assert_outcomes(passed=1, deselected=7)
    assert suite.executions() == {}


def test_heavy_tests_are_the_others(suite: Suite) -> None:
    """``-m heavy`` selects them, those that are marked by hand too."""
    suite.declare("counted")
    suite.tests(MIXED)
    suite.run("-m", "heavy", "--strict-markers").assert_outcomes(passed=7, deselected=1)


def test_the_mark_names_the_modules(suite: Suite) -> None:
    """Its arguments are the modules that are asked for by alias; none where the callable is asked for."""
    suite.declare("counted", "greet = counted:greet", "answer = plain:answer")
    suite.tests("def test_it(greet, answer, counted): pass\ndef test_callable(heavy_module): pass\n")
    suite.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(items):
            for item in items:
                print([mark.args for mark in item.iter_markers("heavy")])
        """,
    )
    result = suite.run("-s", "-q")
    result.stdout.fnmatch_lines(["[[]('counted', 'plain')[]]", "[[]()[]]"])


def test_a_fixture_that_replaces_an_alias_makes_nothing_heavy(suite: Suite) -> None:
    """A file's own ``counted`` imports nothing, unless it asks for ours."""
    suite.declare("counted", "plain")
    suite.tests(
        """
        import pytest

        @pytest.fixture
        def counted():
            return "a fake"

        @pytest.fixture
        def plain(plain):
            return plain

        def test_fake(counted): pass
        def test_ours(plain): pass
        """
    )
    assert passed_names(suite.run("-v", "-m", "not heavy")) == ["test_fake"]


def test_nothing_declared(suite: Suite) -> None:
    """A test that takes ``heavy_module`` is heavy without a declaration; ``cuda_device`` asks for torch."""
    suite.tests(
        "def test_callable(heavy_module): pass\ndef test_device(cuda_device): pass\ndef test_light(tmp_path): pass\n"
    )
    assert passed_names(suite.run("-v", "-m", "not heavy", "--strict-markers")) == ["test_light"]


def test_doctests_are_light(suite: Suite) -> None:
    """Doctests, which ask for no fixture, are collected as ever."""
    suite.declare("counted")
    suite.write("test_doc.py", '"""\n>>> 1 + 1\n2\n"""\n')
    suite.run("--doctest-modules", "-m", "not heavy").assert_outcomes(passed=1)


def test_a_mark_that_names_no_module(suite: Suite) -> None:
    """A mark by hand takes names of modules."""
    suite.tests("import pytest\n\n@pytest.mark.heavy(3)\ndef test_it(): pass\n")
    assert usage_errors(suite.run()) == [
        'test_it.py::test_it: the mark heavy takes names of modules, not 3. Write it as @pytest.mark.heavy("torch").'
    ]


def test_workers_mark_too(suite: Suite) -> None:
    """Under pytest-xdist each worker leaves the heavy tests out."""
    suite.declare("counted")
    suite.tests(MIXED)
    suite.run("-n", "2", "-p", "xdist", "-m", "not heavy").assert_outcomes(passed=1)
    assert suite.executions() == {}
