"""``heavy_order``: light tests first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.suite import passed_names, usage_errors

if TYPE_CHECKING:
    from ..support.suite import Suite

TWO_FILES = {
    "test_a.py": """
        def test_heavy_1(counted): pass
        def test_light_1(): pass
        def test_heavy_2(counted): pass
        def test_light_2(): pass
        """,
    "test_b.py": """
        def test_light_3(): pass
        def test_heavy_3(counted): pass
        """,
}
LIGHT, HEAVY = ["test_light_1", "test_light_2", "test_light_3"], ["test_heavy_1", "test_heavy_2", "test_heavy_3"]


@pytest.fixture
def two_files(suite: Suite) -> Suite:
    """Two files with light and heavy tests by turns."""
    suite.declare("counted")
    for file, text in TWO_FILES.items():
        suite.tests(text, file)
    return suite


def test_the_order_is_kept_by_default(two_files: Suite) -> None:
    """Nobody's tests change places who didn't ask for it."""
    assert passed_names(two_files.run("-v"))[:3] == ["test_heavy_1", "test_light_1", "test_heavy_2"]


@pytest.mark.parametrize("given", ["flag", "ini"])
def test_light_first(two_files: Suite, given: str) -> None:
    """Light tests run before heavy ones, each in the order that they had."""
    arguments = ["--heavy-order=light-first"] if given == "flag" else ["-o", "heavy_order=light-first"]
    assert passed_names(two_files.run("-v", *arguments)) == LIGHT + HEAVY


def test_failed_first_goes_before(two_files: Suite) -> None:
    """``--ff`` has the last word, and ``--lf`` selects as ever."""
    two_files.tests("def test_light_3(): pass\ndef test_heavy_3(counted): assert counted.answer != 42\n", "test_b.py")
    cached = ("-v", "-p", "cacheprovider", "--heavy-order=light-first")
    two_files.run(*cached)
    two_files.tests("def test_light_3(): pass\ndef test_heavy_3(counted): pass\n", "test_b.py")
    assert passed_names(two_files.run(*cached, "--ff")) == ["test_heavy_3", *LIGHT, *HEAVY[:2]]


def test_after_those_who_shuffle(two_files: Suite) -> None:
    """Another plugin's order is kept among the light and among the heavy tests."""
    two_files.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_collection_modifyitems(items):
            items.reverse()
        """,
    )
    assert passed_names(two_files.run("-v", "--heavy-order=light-first")) == LIGHT[::-1] + HEAVY[::-1]


@pytest.mark.parametrize("scope", ["class", "module", "package"])
def test_fixtures_of_higher_scope_are_set_up_once(suite: Suite, scope: str) -> None:
    """Light tests that share such a fixture with heavy ones stay with them; the rest goes first."""
    suite.declare("counted")
    suite.write(
        "conftest.py",
        f"""
        import pytest

        @pytest.fixture(scope="{scope}")
        def shared():
            with open("setups.log", "a") as log:
                log.write("set up ")
        """,
    )
    suite.write("sub/__init__.py", "")
    suite.tests(
        """
        class TestShared:
            def test_heavy_1(self, shared, counted): pass
            def test_shared(self, shared): pass
            def test_light_1(self): pass
            def test_shared_too(self, shared): pass

        def test_light_2(): pass
        """,
        "sub/test_a.py",
    )
    result = suite.run("-v", "--heavy-order=light-first")
    assert (suite.path / "setups.log").read_text(encoding="utf-8") == "set up "
    assert passed_names(result) == ["test_light_1", "test_light_2", "test_heavy_1", "test_shared", "test_shared_too"]


def test_parameters_of_session_fixtures_are_set_up_once(suite: Suite) -> None:
    """A fixture with parameters is set up once for each, as pytest has grouped them."""
    suite.declare("counted")
    suite.tests(
        """
        import pytest

        @pytest.fixture(scope="session", params=[1, 2])
        def server(request):
            print("set up", request.param)

        def test_light(): pass
        def test_shared(server): pass
        def test_heavy(server, counted): pass
        """
    )
    output = str(suite.run("-s", "--heavy-order=light-first").stdout)
    assert output.count("set up 1") == output.count("set up 2") == 1


def test_setup_of_a_module(suite: Suite) -> None:
    """``setup_module`` is a fixture of module scope that every test has."""
    suite.declare("counted")
    suite.tests(
        """
        def setup_module():
            with open("setups.log", "a") as log:
                log.write("set up ")

        def test_heavy_1(counted): pass
        def test_with_it(): pass
        """
    )
    suite.tests("def test_light(): pass\n", "test_z.py")
    result = suite.run("-v", "--heavy-order=light-first")
    assert (suite.path / "setups.log").read_text(encoding="utf-8") == "set up "
    assert passed_names(result) == ["test_light", "test_heavy_1", "test_with_it"]


def test_another_value(suite: Suite) -> None:
    """What is neither is refused."""
    suite.declare(heavy_order="heavy-last")
    suite.tests("def test_it(): pass\n")
    assert usage_errors(suite.run()) == [
        "heavy_order: 'heavy-last' is none of keep, light-first (pytest.ini, [pytest])."
    ]
