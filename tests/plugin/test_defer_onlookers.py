"""Deferred imports and those who look at all modules: tools and loops, which have no use of what they look at."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..support.installed import Installed
    from ..support.suite import Suite

    Run = Callable[[str], pytest.RunResult]

PACKAGE = {
    "bigpkg/__init__.py": """\
        from executions import record

        record(__name__)
        from . import one, two
        from .two import *

        def __getattr__(name):
            raise AttributeError(name)
        """,
    "bigpkg/one.py": "",
    "bigpkg/two.py": "answer = 42\n",
}
HEAD = """\
import inspect
import operator
import sys
import unittest
import warnings

import pytest

import bigpkg
import bigpkg.one as one


def has_it(module):
    return hasattr(module, "HERE")


def names_it(module):
    try:
        return module.HERE
    except AttributeError:
        return False


HERE = True
"""
LOOKS = [
    "[m for m in sys.modules.values() if hasattr(m, 'HERE')]",
    "[n for n in sys.modules if 'HERE' in vars(sys.modules[n] or sys)]",
    "[n for n, m in sys.modules.items() if 'HERE' in dir(m)]",
    "[n for n, m in sys.modules.items() if 'HERE' in getattr(m, '__dict__', {})]",
    "[m for m in sys.modules.values() if (m or sys).__doc__ != 'none' and has_it(m)]",
    "[any(has_it(m) for m in sys.modules.values())]",
    "[any(map(names_it, filter(None, sys.modules.values())))]",
    "list(filter(has_it, reversed(sys.modules.values())))",
    "[n for i, (n, m) in enumerate(sys.modules.items()) if has_it(m)]",
]
COPIES = [
    "[m for m in list(sys.modules.values()) if getattr(m, 'HERE', None)]",
    "[n for n, m in sys.modules.copy().items() if 'HERE' in dir(m)]",
    "[m for n in {*sys.modules} if has_it(m := sys.modules[n])]",
]


@pytest.fixture
def run(suite: Suite, installed: Installed) -> Run:
    """Runs these tests where ``bigpkg`` is installed, and deferred, and nobody may execute it but who says so."""
    installed.add("bigpkg", "1.0", PACKAGE)
    suite.declare("bigpkg", heavy_defer="true")

    def run(text: str) -> pytest.RunResult:
        suite.tests(HEAD + textwrap.dedent(text))
        return suite.run(path=(installed.site,), **installed.environment)

    return run


def test_a_loop_over_modules(suite: Suite, run: Run) -> None:
    """Over ``sys.modules`` itself, by whatever question: nothing is executed, no loop breaks, and all is found."""
    run(f"""
        LOOKS = {LOOKS!r}

        @pytest.mark.parametrize("look", LOOKS)
        def test_by_the_text(look):
            assert eval(look, globals())

        def test_in_a_function():
            found = []
            for name, module in sys.modules.items():
                if hasattr(module, "HERE"):
                    found.append(name)
            assert found == [__name__]

        def test_what_sets_something():
            for module in sys.modules.values():
                if module is bigpkg:
                    module.SEEN = True
        """).assert_outcomes(passed=len(LOOKS) + 2)
    assert suite.executions() == {}


def test_a_loop_over_a_copy(suite: Suite, run: Run) -> None:
    """No import breaks it, and the code under test may need what it asks: the module is loaded."""
    run(f"""
        import importlib

        COPIES = {COPIES!r}

        class Backend:
            def __init__(self, name):
                self.module = importlib.import_module(name)

            def answer(self):
                return self.module.answer

        def test_a_user_in_such_a_loop():
            for name in list(sys.modules):
                assert Backend("bigpkg").answer() == 42
                break

        def test_a_table_that_looks_like_it():
            for name in dict.fromkeys(["sys", "builtins", "os"]):
                assert Backend("bigpkg").answer() == 42

        @pytest.mark.parametrize("look", COPIES)
        def test_by_the_text(look):
            assert eval(look, globals())
        """).assert_outcomes(passed=len(COPIES) + 2)
    assert suite.executions() == {"bigpkg": 1}


def test_a_loop_at_the_top_of_a_file(suite: Suite, run: Run) -> None:
    """It has the same names as the imports."""
    run("""
        for name, module in sys.modules.items():
            if hasattr(module, "SOMETHING"):
                break
        FOUND = [name for name, module in sys.modules.items() if hasattr(module, "HERE")]

        def test_it():
            assert FOUND == [__name__]
        """).assert_outcomes(passed=1)
    assert suite.executions() == {}


def test_tools_of_the_standard_library(suite: Suite, run: Run) -> None:
    """Those that look for registries of warnings, or for the file of an object; pdb's names to complete."""
    run("""
        import linecache
        import pdb
        import rlcompleter
        import traceback

        class TestWarns(unittest.TestCase):
            def test_it(self):
                with self.assertWarns(UserWarning):
                    warnings.warn("so")

        def test_who_defines_it():
            assert inspect.getmodule(has_it).__name__ == __name__
            with warnings.catch_warnings(record=True):
                warnings.warn("so")
            linecache.checkcache()
            with pytest.raises(AttributeError) as raised:
                sys.no_such_name
            assert "no_such_name" in "".join(traceback.format_exception(raised.value))

        def test_completion():
            debugger = pdb.Pdb(nosigint=True)
            debugger.curframe = sys._getframe()
            debugger.curframe_locals = {}
            debugger._complete_expression("bigpkg.an", "bigpkg.an", 0, 9)
            rlcompleter.Completer(globals()).attr_matches("bigpkg.an")
        """).assert_outcomes(passed=3)
    assert suite.executions() == {}


@pytest.mark.parametrize(
    "use",
    [
        "bigpkg.answer",
        "getattr(bigpkg, 'answer')",
        "bigpkg.two.answer",
        "(lambda: bigpkg.answer)()",
        "vars(bigpkg)['answer']",
        "the_same.answer",
    ],
)
def test_a_use_in_a_loop(suite: Suite, run: Run, use: str) -> None:
    """Who names the module has a use of it, in a loop over modules too."""
    run(f"""
        def test_it():
            import bigpkg as the_same

            for module in list(sys.modules.values()):
                if module is sys:
                    assert {use} == 42
        """).assert_outcomes(passed=1)
    assert suite.executions() == {"bigpkg": 1}


def test_a_use_after_a_loop(suite: Suite, run: Run) -> None:
    """A loop that is over, and a copy that is kept, are no matter."""
    run("""
        def ask(module, name):
            return getattr(module, name)

        def test_it():
            before = dict(sys.modules)
            for module in before.values():
                hasattr(module, "nothing")
            assert ask(bigpkg, "answer") == 42
            assert before
        """).assert_outcomes(passed=1)
    assert suite.executions() == {"bigpkg": 1}


def test_who_is_told_what(run: Run) -> None:
    """The error says why the name isn't there."""
    run("""
        def test_it():
            for module in sys.modules.values():
                if module is bigpkg:
                    with pytest.raises(AttributeError, match="before its first use.*heavy_defer"):
                        module.answer
        """).assert_outcomes(passed=1)
