"""The setting heavy_preload and the flag --heavy-preload: heavy modules before the first conftest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..support.suite import Suite, section

if TYPE_CHECKING:
    from ..support.installed import Installed

Run = Callable[..., pytest.RunResult]
FAILING = "from executions import record\n\nrecord(__name__)\nraise OSError('libfailing.so is missing')\n"


@pytest.fixture
def run(suite: Suite, installed: Installed) -> Run:
    """Runs the suite where ``plainpkg`` and ``cvlike`` are installed and declared, ``failingpkg`` installed."""
    installed.add("failingpkg", "1.0", {"failingpkg/__init__.py": FAILING})
    suite.declare("plainpkg", "cv = cvlike")

    def run(*args: str) -> pytest.RunResult:
        return suite.run(*args, path=(installed.site, suite.path), **installed.environment)

    return run


SEES = """
import sys

HAD = "plainpkg" in sys.modules, "cvlike" in sys.modules
"""


def test_before_the_first_conftest(suite: Suite, run: Run) -> None:
    """What is declared is there when the root ``conftest.py`` is read; by default it isn't."""
    suite.write("conftest.py", SEES)
    suite.tests("import conftest\n\ndef test_it():\n    assert conftest.HAD == (True, True)\n")
    run().assert_outcomes(failed=1)
    assert not suite.executions()
    run("--heavy-preload").assert_outcomes(passed=1)
    assert suite.executions() == {"plainpkg": 1, "cvlike": 1}


def test_by_the_file(suite: Suite, run: Run) -> None:
    """``heavy_preload = true`` does what the flag does."""
    suite.declare("plainpkg", heavy_preload="true")
    suite.tests('import sys\n\ndef test_it():\n    assert "plainpkg" in sys.modules\n')
    run().assert_outcomes(passed=1)
    suite.declare("plainpkg", heavy_preload="false")
    run().assert_outcomes(failed=1)


def test_the_report_says_so(suite: Suite, run: Run) -> None:
    """Each is told with its cost and "preload", and not again for the fixture."""
    suite.tests("def test_it(plainpkg, cv): pass\n")
    lines = section(run("--heavy-preload"))
    assert [line.split()[0] for line in lines] == ["plainpkg", "cvlike"]
    assert all(line.endswith("  first: preload") and " s " in line for line in lines)


@pytest.mark.parametrize("mode", ["off", "restore", "error"])
def test_with_each_mode_of_the_guard(suite: Suite, run: Run, mode: str) -> None:
    """The guard is on, or off, for what is preloaded as for all else."""
    suite.tests(
        """
        import importlib

        def test_it(plainpkg):
            import plainpkg as again
            assert again is plainpkg

        def test_reload(plainpkg):
            importlib.reload(plainpkg)
        """
    )
    result = run("--heavy-preload", f"--heavy-guard={mode}")
    expected = {"off": {"passed": 2}, "restore": {"passed": 2, "warnings": 1}, "error": {"passed": 1, "failed": 1}}
    result.assert_outcomes(**expected[mode])
    assert suite.executions()["plainpkg"] == (2 if mode == "off" else 1)


def test_only_installed_packages(suite: Suite, run: Run) -> None:
    """The code under test is not preloaded: its conftest may have to set something before."""
    suite.write("app/__init__.py", "from executions import record\n\nrecord(__name__)\n")
    suite.declare("plainpkg", "app", "counted")
    suite.tests("def test_it(): pass\n")
    run("--heavy-preload").assert_outcomes(passed=1)
    assert suite.executions() == {"plainpkg": 1}


def test_nothing_but_what_is_declared(suite: Suite, run: Run) -> None:
    """A package that the guard knows is not preloaded for that, nor one that ``heavy_protect`` names."""
    suite.declare("plainpkg", heavy_protect="cvlike", heavy_guard="error")
    suite.tests('import sys\n\ndef test_it():\n    assert "cvlike" not in sys.modules and "numpy" not in sys.modules\n')
    run("--heavy-preload").assert_outcomes(passed=1)


def test_an_attribute_is_not_looked_up_before(suite: Suite, run: Run) -> None:
    """Of ``module:attribute`` the module is imported; an attribute that is missing is told to who asks."""
    suite.declare("nothing = plainpkg:not_there", "piece = plainpkg.part:answer")
    suite.tests("def test_piece(piece):\n    assert piece == 42\n\ndef test_nothing(nothing): pass\n")
    result = run("--heavy-preload")
    result.assert_outcomes(passed=1, errors=1)
    assert suite.executions() == {"plainpkg": 1, "plainpkg.part": 1}


def test_a_missing_one_is_told_to_the_first_test_that_asks(suite: Suite, run: Run) -> None:
    """What is not installed skips the test that asks, as without preloading, and stops nobody else."""
    suite.declare("notinstalled", "plainpkg", "old = cvlike >= 9")
    suite.tests(
        """
        def test_missing(notinstalled): pass

        def test_old(old): pass

        def test_it(plainpkg): pass
        """
    )
    result = run("--heavy-preload", "-rs", "-W", "error")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED * could not import 'notinstalled': No module named 'notinstalled'; declared as 'notinstalled' *",
            "SKIPPED * 'cvlike' is version 4.8.0, and '>= 9' is needed; declared as 'old = cvlike >= 9' *",
        ]
    )


def test_a_missing_one_fails_where_it_shall(suite: Suite, run: Run) -> None:
    """With ``--heavy-missing=fail`` the test that asks fails; the run goes on."""
    suite.declare("notinstalled", "plainpkg")
    suite.tests("def test_missing(notinstalled): pass\n\ndef test_it(plainpkg): pass\n")
    run("--heavy-preload", "--heavy-missing=fail").assert_outcomes(passed=1, errors=1)


@pytest.mark.parametrize("mode", ["off", "error"])
def test_a_failing_one_is_told_to_the_first_test_that_asks(suite: Suite, run: Run, mode: str) -> None:
    """Its error comes, with the place "preload", where a test asks for it; it is executed once; others run."""
    suite.declare("failingpkg", "plainpkg")
    suite.tests("def test_it(plainpkg): pass\n\ndef test_one(failingpkg): pass\n\ndef test_two(failingpkg): pass\n")
    result = run("--heavy-preload", f"--heavy-guard={mode}")
    result.assert_outcomes(passed=1, errors=2)
    text = result.stdout.str()
    assert text.count("OSError: libfailing.so is missing") >= 2
    assert "'failingpkg' failed while it was imported: preload. It is not tried again." in text
    assert suite.executions() == {"failingpkg": 1, "plainpkg": 1}


def test_one_that_ends_the_process_is_told_to_the_first_test_that_asks(
    suite: Suite, installed: Installed, run: Run
) -> None:
    """``sys.exit()`` in a module ends neither the run nor its collection."""
    installed.add("exitingpkg", "1.0", {"exitingpkg/__init__.py": "import sys\n\nsys.exit('no display')\n"})
    suite.declare("exitingpkg", "plainpkg")
    suite.tests("def test_it(plainpkg): pass\n\ndef test_exiting(exitingpkg): pass\n")
    result = run("--heavy-preload")
    assert result.parseoutcomes().get("passed") == 1, result.stderr.str()


def test_it_prevents_a_first_import_under_patch_dict(suite: Suite, run: Run) -> None:
    """What is there before the first block can't be thrown out by its end."""
    suite.tests(
        """
        import sys
        from unittest import mock

        with mock.patch.dict(sys.modules, {"not_there_at_all": None}):
            import plainpkg

        def test_it():
            assert sys.modules["plainpkg"] is plainpkg
        """
    )
    run("--heavy-preload", "--heavy-guard=error", "-W", "error").assert_outcomes(passed=1)
    run("--heavy-guard=error").assert_outcomes(errors=1)


@pytest.mark.parametrize("argument", ["--help", "--version", "--heavy-list", "--collect-only"])
def test_no_harm_where_no_test_runs(suite: Suite, run: Run, argument: str) -> None:
    """Runs that only tell something end well with it."""
    suite.tests("def test_it(plainpkg): pass\n")
    assert run("--heavy-preload", argument).ret == 0


def test_faults_are_told_as_ever(suite: Suite, run: Run) -> None:
    """A line that can't be read is a usage error, told once, and nothing is executed."""
    suite.declare("torch >> 2", "plainpkg")
    result = run("--heavy-preload")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().count("'torch >> 2' can't be read") == 1


def test_with_workers_of_xdist(suite: Suite, run: Run) -> None:
    """Each worker preloads for itself."""
    pytest.importorskip("xdist")
    suite.tests('import sys\n\ndef test_one():\n    assert "plainpkg" in sys.modules\n\ntest_two = test_one\n')
    result = run("-p", "xdist", "-n", "2", "--heavy-preload")
    result.assert_outcomes(passed=2)
    processes = suite.executing_processes()
    assert all(processes.count(process) == 2 for process in processes), "each of both modules, once a process"


SEEING = "import os\nimport sys\n\nvariable = os.environ.get('EARLY')\nhooked = 'hooked' in sys.modules\n"


@pytest.fixture
def seeing(suite: Suite, installed: Installed, run: Run) -> Suite:
    """A suite that declares ``seeing``, an installed package that a variable of the environment tells something."""
    installed.add("seeing", "1.0", {"seeing/__init__.py": SEEING})
    suite.declare("seeing")
    suite.tests("def test_it(seeing):\n    assert seeing.variable == 'set'\n")
    return suite


@pytest.mark.parametrize("file", ["conftest.py", "tests/conftest.py", "setting_up.py", "tests/sub/conftest.py"])
def test_after_a_conftest_that_sets_a_variable(seeing: Suite, run: Run, file: str) -> None:
    """At its top, or at that of a module that it imports; wherever pytest reads one at start-up."""
    seeing.declare("seeing", pythonpath=".")
    seeing.write(file, "import os\n\nos.environ['EARLY'] = 'set'\n")
    if file == "setting_up.py":
        seeing.write("conftest.py", "import setting_up\n")
    seeing.tests("def test_it(seeing):\n    assert seeing.variable == 'set'\n", "tests/sub/test_it.py")
    result = run("--heavy-preload", "tests/sub/test_it.py")
    result.assert_outcomes(passed=1)
    assert [line.partition("first: ")[2] for line in section(result)] == ["preload"]


def test_after_the_hooks_of_a_conftest(seeing: Suite, run: Run) -> None:
    """Those that pytest calls before it collects."""
    for hook in ("pytest_configure(config)", "pytest_sessionstart(session)"):
        seeing.write("conftest.py", f"import os\n\ndef {hook}:\n    os.environ['EARLY'] = 'set'\n")
        run("--heavy-preload").assert_outcomes(passed=1)


def test_after_a_plugin_that_sets_a_variable(seeing: Suite, run: Run) -> None:
    """As pytest-env does."""
    seeing.write(
        "early.py",
        """
        import os

        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_load_initial_conftests():
            os.environ["EARLY"] = "set"
        """,
    )
    seeing.write("conftest.py", SEES.replace("plainpkg", "seeing"))
    seeing.tests("import conftest\n\ndef test_it(seeing):\n    assert seeing.variable == 'set' and conftest.HAD[0]\n")
    run("--heavy-preload", "-p", "early").assert_outcomes(passed=1)


def test_before_a_conftest_that_is_not_read(seeing: Suite, run: Run) -> None:
    """With ``--noconftest`` none comes first."""
    seeing.write("conftest.py", "import os\n\nos.environ['EARLY'] = 'set'\n")
    seeing.tests("def test_it(seeing):\n    assert seeing.variable is None\n")
    run("--heavy-preload", "--noconftest").assert_outcomes(passed=1)


HOOK = """
import sys

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None

def put_in():
    sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("mode", ["off", "error"])
def test_an_import_hook_that_came_too_late_is_told(suite: Suite, installed: Installed, run: Run, mode: str) -> None:
    """Such as that of a plugin which puts it in when it is configured."""
    installed.add("instrumenting", "1.0", {"instrumenting.py": f"{HOOK}\ndef pytest_configure():\n    put_in()\n"})
    suite.tests("def test_it(plainpkg): pass\n")
    late = "-p", "instrumenting"
    result = run("--heavy-preload", f"--heavy-guard={mode}", *late)
    result.assert_outcomes(passed=1)
    assert [line for line in section(result) if "first: " not in line] == [
        "the import hook of instrumenting came after plainpkg, cvlike had been preloaded, and misses that: "
        "leave out heavy_preload, or put it in by conftest.py"
    ]
    assert "import hook" not in run(f"--heavy-guard={mode}", *late).stdout.str()


def test_an_import_hook_of_a_conftest_is_in_time(suite: Suite, run: Run) -> None:
    """It comes before the packages, and nobody is told."""
    suite.write("conftest.py", f"{HOOK}\nput_in()\n")
    suite.tests("def test_it(plainpkg): pass\n")
    result = run("--heavy-preload")
    result.assert_outcomes(passed=1)
    assert all(line.endswith("first: preload") for line in section(result))
