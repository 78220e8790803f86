"""Second executions of the file of a protected module, under the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import MODES

if TYPE_CHECKING:
    from ..support.suite import Suite

ONCE = """
import sys

if hasattr(sys, "_registered"):
    raise RuntimeError("registered twice")
sys._registered = True
"""


@pytest.fixture
def kern(suite: Suite) -> Suite:
    """A suite whose protected package ``kern`` can be imported as ``src.kern`` as well; executed once, it passes."""
    suite.write("src/__init__.py", "")
    suite.write("src/kern/__init__.py", "")
    suite.write("src/kern/ops.py", "names = []\n")
    suite.write("src/kern/once.py", ONCE)
    suite.declare(heavy_protect="kern", pythonpath="src .")
    return suite


def warned(result: pytest.RunResult) -> list[str]:
    """The headlines of the warnings on copies."""
    lines = (line.partition("HeavyImportWarning: ")[2] for line in result.outlines)
    return [line for line in lines if line.startswith("The file of ")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("first", "second"), [("kern", "src.kern"), ("src.kern", "kern")])
def test_one_file_by_two_names(kern: Suite, mode: str, first: str, second: str) -> None:
    """Both names are told, whichever is protected, and the tests pass as they do without."""
    kern.tests(f"def test_it():\n    import {first}.ops, {second}.ops\n    assert {first}.ops is not {second}.ops\n")
    result = kern.run(f"--heavy-guard={mode}")
    result.assert_outcomes(passed=1, warnings=2)
    assert warned(result) == [
        f"The file of '{first}{part}' is executed a second time, as '{second}{part}', by import: there are two of "
        "each class and registry in it."
        for part in ("", ".ops")
    ]


def test_an_error_of_the_second_execution_says_why(kern: Suite) -> None:
    """Where warnings are hidden, too."""
    kern.tests("def test_it():\n    import kern.once\n    import src.kern.once\n")
    result = kern.run("--heavy-guard=restore", "-W", "ignore")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *RuntimeError: registered twice",
            "E *The file of 'kern.once' is executed a second time, as 'src.kern.once', by import: *",
            "E *first: *",
            "E *again: test_it.py:3, in test_it.py::test_it (call)",
            "E *Import it by one of the two names alone, and leave one of the two directories out of sys.path *",
        ]
    )


@pytest.mark.parametrize("mode", MODES)
def test_what_a_copy_imports_is_not_told(kern: Suite, mode: str) -> None:
    """One warning for a package that imports its parts."""
    kern.write("src/kern/__init__.py", "from . import ops\n")
    kern.tests("import kern\n\ndef test_it():\n    import src.kern\n")
    assert len(warned(kern.run(f"--heavy-guard={mode}"))) == 1


BY_HAND = """
import importlib.util
import runpy

import kern.ops

def execute(name, set_in=False):
    spec = importlib.util.spec_from_file_location(name, kern.ops.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

def test_exec_module():
    assert execute("copy").names is not kern.ops.names

def test_exec_module_by_its_own_name():
    assert execute("kern.ops").names is not kern.ops.names

def test_run_module():
    assert runpy.run_module("kern.ops", run_name="__main__")["names"] is not kern.ops.names

def test_run_path():
    assert runpy.run_path("src/kern/ops.py")["names"] is not kern.ops.names
"""


@pytest.mark.parametrize("mode", MODES)
def test_by_hand(kern: Suite, mode: str) -> None:
    """What calls the loader, or runpy, is told; nobody fails for it."""
    kern.tests(BY_HAND)
    result = kern.run(f"--heavy-guard={mode}", "-W", "ignore::RuntimeWarning")
    result.assert_outcomes(passed=4, warnings=4)
    ends = "there are two of each class and registry in it."
    assert warned(result) == [
        f"The file of 'kern.ops' is executed a second time, {how}: {ends}"
        for how in (
            "as 'copy', by exec_module",
            "under its own name, by exec_module",
            "as '__main__', by runpy",
            "as '<run_path>', by runpy",
        )
    ]


def test_as_an_error_it_reaches_the_test(kern: Suite) -> None:
    """``-W error`` fails the test, not the import."""
    kern.tests("import kern.ops\n\ndef test_it():\n    import src.kern.ops\n")
    result = kern.run("--heavy-guard=restore", "-W", "error")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*HeavyImportWarning: The file of 'kern' is executed a second time*"])


def test_nothing_is_told(kern: Suite) -> None:
    """Of an execution that has failed before, of modules that nobody protects, and where the guard is lifted."""
    kern.write("src/kern/odd.py", "import sys\n\nif not hasattr(sys, '_tried'):\n    sys._tried = 1\n    1 / 0\n")
    kern.write("src/own.py", "")
    kern.tests(
        """
        import pytest

        def test_failed_before():
            with pytest.raises(ZeroDivisionError):
                import kern.odd
            import kern.odd

        def test_unprotected():
            import own, src.own

        @pytest.mark.heavy_guard("off")
        def test_lifted():
            import kern.ops, src.kern.ops
        """
    )
    kern.run("--heavy-guard=error", "-W", "error").assert_outcomes(passed=3)


def test_afterwards_all_is_as_it_was(kern: Suite) -> None:
    """The session leaves nothing of it behind."""
    kern.tests("def test_it(): pass\n")
    kern.write(
        "run.py",
        """
        import runpy
        from importlib.machinery import ExtensionFileLoader, SourceFileLoader, SourcelessFileLoader

        import pytest

        def now():
            loaders = SourceFileLoader, SourcelessFileLoader, ExtensionFileLoader
            return *(vars(loader).get("exec_module") for loader in loaders), runpy._run_code

        before = now()
        code = pytest.main(["-p", "pytest_heavyimports.plugin", "--heavy-guard=error"])
        print("as it was:", code == 0 and now() == before)
        """,
    )
    kern.run_script("run.py").stdout.fnmatch_lines(["as it was: True"])
