"""``lazy import``, from Python 3.15 on: a suite that uses it is what it is without us, and stays light."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ..support.suite import section

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite
    from ..support.warm import WarmSuite

pytestmark = pytest.mark.skipif(sys.version_info < (3, 15), reason="Python has no lazy imports")

APP = """
    import sys

    lazy import numpy as np
    lazy from numpy import ones

    def total(number):
        return float(ones(number).sum())

    def zeros(number):
        return np.zeros(number)
    """
TESTS = """
    import sys

    import pytest
    import app

    lazy import numpy
    lazy from numpy import arange
    lazy from numpy import linalg

    def test_light():
        assert "numpy" not in sys.modules

    def test_module():
        assert numpy.ones(3).sum() == 3

    def test_name():
        assert arange(3).sum() == 3

    def test_part():
        assert linalg.norm([3, 4]) == 5

    @pytest.mark.parametrize("number", [1, 2])
    def test_app(number):
        assert app.total(number) == number
        assert app.zeros(number).sum() == 0

    def test_fails():
        assert numpy.ones(3).sum() == 4
    """
MODES = {
    "plain": (),
    "restore": ("--heavy-guard=restore",),
    "error": ("--heavy-guard=error",),
    "deferred": ("--heavy-defer",),
    "deferred and guarded": ("--heavy-defer", "--heavy-guard=error"),
    "report": ("--heavy-report=report.json",),
    "isolated": ("--heavy-isolate",),
    "workers": ("-p", "xdist", "-n", "2"),
    "warm workers": ("-p", "xdist", "-n", "2", "--heavy-warm"),
    "preloaded": ("--heavy-preload",),
}
IMPORTED_BEFORE = ("isolated", "preloaded")
"""Where a test that needs nothing finds numpy, since others have asked for it."""


def _outcomes(result: pytest.RunResult) -> dict[str, str]:
    """The outcome of each test of a run with ``-rA``, by its nodeid."""
    lines = [line.split() for line in result.outlines if " test_it.py::" in line]
    return {words[1]: words[0] for words in lines if words[0] in ("PASSED", "FAILED", "ERROR", "SKIPPED")}


@pytest.fixture
def lazy(suite: Suite) -> Suite:
    """A suite with lazy imports in tests and application."""
    suite.declare("numpy")
    suite.write("app.py", APP)
    suite.tests(TESTS)
    return suite


def _without_us(suite: Suite) -> dict[str, str]:
    """The outcomes by pytest alone, but for the one of which the plugin is the reason."""
    expected = _outcomes(suite.run("-rA", ours=False))
    # pytest itself imports numpy at collection, as it looks at each name.
    assert expected.pop("test_it.py::test_light") == "FAILED"
    assert sorted(expected.values()) == ["FAILED", *["PASSED"] * 5]
    return expected


@pytest.mark.parametrize("mode", MODES)
def test_outcomes_are_as_without_us(lazy: Suite, mode: str) -> None:
    """In each mode."""
    outcomes = _outcomes(lazy.run("-rA", *MODES[mode]))
    assert outcomes.pop("test_it.py::test_light") == ("FAILED" if mode in IMPORTED_BEFORE else "PASSED")
    assert outcomes == _without_us(lazy)


def test_outcomes_of_warm_runs(warm: WarmSuite) -> None:
    """The first, from which the warm process learns, and the next."""
    warm.suite.declare("numpy")
    warm.suite.write("app.py", APP)
    warm.suite.tests(TESTS)
    expected = _without_us(warm.suite)
    for _ in range(2):
        outcomes = _outcomes(warm.run("-rA"))
        assert outcomes.pop("test_it.py::test_light") == "PASSED"
        assert outcomes == expected


def test_outcomes_beside_a_stand_in(lazy: Suite) -> None:
    """The test that has one leaves no lazy name of the application bound to it: the others are as without us."""
    expected = _without_us(lazy)
    lazy.tests(
        f"""{TESTS}
    @pytest.mark.heavy_stub("numpy")
    def test_stub():
        assert app.np.zeros(3) is not None
        assert not isinstance(app.ones(3), list)
    """
    )
    outcomes = _outcomes(lazy.run("-rA", "test_it.py::test_stub", "test_it.py"))
    assert outcomes.pop("test_it.py::test_stub") == "PASSED"
    outcomes.pop("test_it.py::test_light")
    assert outcomes == expected


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "preloaded"])
def test_a_light_selection_imports_nothing_heavy(lazy: Suite, mode: str) -> None:
    """
    Not at collection, and not after it, in any process.

    But where tests are isolated what is declared is imported before them, by the process that each is forked from.
    """
    lazy.write(
        "conftest.py",
        """
        import os, sys
        from pathlib import Path

        def pytest_unconfigure():
            Path(f"process-{os.getpid()}").write_text(str("numpy._core" in sys.modules))
        """,
    )
    assert lazy.run("-k", "light", *MODES[mode]).ret == (1 if mode == "isolated" else 0)
    told = [file.read_text() for file in lazy.path.glob("process-*")]
    assert set(told) == {"False"}
    assert len(told) == (3 if "worker" in mode else 1)


EAGER_TESTS = TESTS.replace("lazy ", "").replace('"numpy" not', '"numpy._core" not')
"""The same without the word. What ``heavy_defer`` puts off is in ``sys.modules`` by its name."""
ALL = {
    "plain": (),
    "guarded": ("--heavy-guard=error",),
    "report": ("--heavy-report=report.json",),
    "isolated": ("--heavy-isolate",),
    "deferred": ("--heavy-defer",),
}


@pytest.mark.parametrize("mode", ALL)
def test_where_python_puts_off_all_imports(suite: Suite, mode: str) -> None:
    """
    From the start (``-X lazy_imports=all``): our own are not put off; ``heavy_defer`` says that it does nothing.

    pytest itself doesn't start so, unless it leaves assertions alone.
    """
    suite.declare("numpy")
    suite.write("app.py", APP.replace("lazy ", ""))
    suite.tests(EAGER_TESTS)
    # A new interpreter, since Python asks for the variable at its start.
    result = suite.run("--assert=plain", *ALL[mode], is_new=True, PYTHON_LAZY_IMPORTS="all")
    result.assert_outcomes(passed=5 if mode == "isolated" else 6, failed=2 if mode == "isolated" else 1)
    told = "heavy_defer does nothing: Python puts off all imports itself (-X lazy_imports=all)"
    assert (told in section(result)) == (mode == "deferred")


@pytest.mark.parametrize("mode", ALL)
def test_where_a_conftest_file_puts_off_all_imports(suite: Suite, mode: str) -> None:
    """With assertions rewritten as ever."""
    suite.declare("numpy")
    suite.write("conftest.py", "import sys\n\nsys.set_lazy_imports('all')\n")
    suite.write("app.py", APP.replace("lazy ", ""))
    suite.tests(EAGER_TESTS)
    result = suite.run(*ALL[mode])
    result.assert_outcomes(passed=5 if mode == "isolated" else 6, failed=2 if mode == "isolated" else 1)


def test_where_nothing_is_declared(suite: Suite) -> None:
    """A suite that uses nothing else of ours stays lazy, too."""
    suite.write("app.py", APP)
    suite.tests(TESTS)
    suite.run("-k", "light or name").assert_outcomes(passed=2, deselected=5)


def test_the_report_has_the_line_of_use(lazy: Suite) -> None:
    """Not the line of pytest that has looked at the name."""
    result = lazy.run("-k", "module", "--heavy-guard=restore")
    assert "first: test_it.py:14, in test_it.py::test_module (call)" in "\n".join(section(result))


def test_a_fixture_that_is_imported_lazily(suite: Suite, installed: Installed) -> None:
    """It is found, as is a test; from an installed package, and from the suite's own code by way of another file."""
    installed.add(
        "fixturing",
        "1.0",
        {"fixturing/__init__.py": "import pytest\n\n@pytest.fixture\ndef given(): return 1\n\nclass Other: pass\n"},
    )
    suite.write("helpers/__init__.py", "from .inner import mine, TestShared\n")
    suite.write(
        "helpers/inner.py",
        """
        import pytest

        @pytest.fixture
        def mine():
            return 2

        class TestShared:
            def test_shared(self):
                pass
        """,
    )
    suite.tests(
        """
        lazy from fixturing import given
        lazy from helpers import mine, TestShared

        def test_it(given, mine):
            assert (given, mine) == (1, 2)
        """
    )
    result = suite.run(path=(installed.site,))
    result.assert_outcomes(passed=2)


def test_an_import_in_with_is_done_there(suite: Suite) -> None:
    """``heavy_defer`` puts off names of declared packages, but not what is imported to see it fail."""
    suite.declare("numpy", heavy_defer="true")
    suite.tests(
        """
        import sys
        import pytest

        with pytest.raises(ImportError):
            from numpy import nothing_of_that_name

        def test_it():
            assert "numpy._core" in sys.modules
        """
    )
    suite.run().assert_outcomes(passed=1)


def test_a_name_that_is_deferred(suite: Suite) -> None:
    """``from numpy import ones`` waits for the use of the name, in a test file, too."""
    suite.declare("numpy", heavy_defer="true")
    suite.tests(
        """
        import sys
        from numpy import ones

        def test_light():
            assert "numpy._core" not in sys.modules

        def test_use():
            assert ones(3).sum() == 3
        """
    )
    suite.run().assert_outcomes(passed=2)


def test_what_others_have_made_lazy(suite: Suite) -> None:
    """``heavy_defer`` leaves it lazy: the word, and ``__lazy_modules__``; and what is eager stays so."""
    suite.declare("numpy", heavy_defer="true")
    for name in ("by_word", "by_list", "eager"):
        suite.write(f"{name}.py", "answer = 42\n")
    suite.tests(
        """
        import sys

        __lazy_modules__ = ["by_list"]
        lazy import by_word
        import by_list
        import eager

        def test_light():
            assert {"by_word", "by_list", "eager"}.intersection(sys.modules) == {"eager"}

        def test_use():
            assert by_word.answer == by_list.answer == 42
        """
    )
    suite.run().assert_outcomes(passed=2)


def test_a_lazy_name_of_a_stand_in(suite: Suite) -> None:
    """It is what the stand-in has by that name, and no part."""
    suite.declare("numpy")
    suite.tests(
        """
        import pytest

        lazy from numpy import ndarray
        lazy from numpy import linalg
        lazy import numpy as np

        @pytest.mark.heavy_stub("numpy")
        def test_it():
            import numpy
            assert ndarray is np.ndarray
            class Mine(numpy.ndarray): pass
            assert issubclass(Mine, ndarray)
        """
    )
    suite.run().assert_outcomes(passed=1)
    suite.run("--heavy-stub=numpy").assert_outcomes(passed=1)


FAKES = {
    "monkeypatch": "monkeypatch.setitem(sys.modules, 'numpy', fake); app.np.use()",
    "patch.dict": "with patch.dict(sys.modules, numpy=fake): app.np.use()",
}


@pytest.mark.parametrize("mode", ["restore", "error"])
@pytest.mark.parametrize("how", FAKES)
def test_a_fake_that_was_bound(suite: Suite, how: str, mode: str) -> None:
    """A test that puts in a fake, and takes it out as it should, leaves no name of the application bound to it."""
    suite.declare("numpy", heavy_guard=mode)
    suite.write("app.py", APP)
    suite.tests(
        f"""
        import sys
        from unittest.mock import MagicMock, patch

        import app

        def test_fake(monkeypatch):
            fake = MagicMock()
            {FAKES[how]}
            assert app.np is fake

        def test_real():
            assert app.zeros(3).sum() == 0
            assert app.total(2) == 2

        def test_again():
            assert app.zeros(3).sum() == 0
        """
    )
    suite.run("-p", "no:randomly").assert_outcomes(passed=3)
    suite.run(ours=False).assert_outcomes(passed=1, failed=2)


def test_a_name_that_a_fixture_has_bound(suite: Suite) -> None:
    """On purpose, for all tests: it stays."""
    suite.declare("numpy", heavy_guard="error")
    suite.write("app.py", APP)
    suite.tests(
        """
        import pytest
        import app

        @pytest.fixture(scope="session", autouse=True)
        def mine():
            app.np = "mine"

        @pytest.mark.parametrize("number", [1, 2])
        def test_it(number):
            assert app.np == "mine"
        """
    )
    suite.run().assert_outcomes(passed=2)
