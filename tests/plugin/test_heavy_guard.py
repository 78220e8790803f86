"""The setting heavy_guard and the marker of the same name: reloads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..support.suite import Suite, section, usage_errors

if TYPE_CHECKING:
    from ..support.installed import Installed

Run = Callable[..., pytest.RunResult]

RELOADS = """
import importlib

def test_reload(plainpkg):
    assert importlib.reload(plainpkg) is plainpkg
"""

WHY = (
    "it is declared as 'plainpkg' (pytest.ini, [pytest], line 1 of heavy_modules), "
    "which the session imports once: a second copy has other classes"
)
REMEDY = """\
To change a module for one test, use monkeypatch.setattr, which puts it back. To run its import again, do that in a
process of its own: subprocess.run([sys.executable, "-c", ...])."""


@pytest.fixture
def run(suite: Suite, installed: Installed) -> Run:
    """Runs the suite where ``plainpkg`` is installed and declared."""
    suite.declare("plainpkg")

    def run(*args: str) -> pytest.RunResult:
        return suite.run(*args, path=(installed.site,), **installed.environment)

    return run


def test_by_default_a_reload_is_a_reload(suite: Suite, run: Run) -> None:
    """Without the setting nothing is patched at all."""
    suite.tests(
        RELOADS
        + """
def test_nothing_is_patched():
    import sys
    assert importlib.reload.__module__ == "importlib"
    assert importlib.reload.__code__.co_filename == importlib.__file__
    assert not [finder for finder in sys.meta_path if "heavyimports" in type(finder).__module__]
"""
    )
    run("-W", "error").assert_outcomes(passed=2)
    assert suite.executions() == {"plainpkg": 2}


def test_error_refuses(suite: Suite, run: Run) -> None:
    """The reload raises before anything is executed, with place, first import, reason and way out."""
    suite.tests(RELOADS)
    result = run("--heavy-guard=error", "--tb=line")
    result.assert_outcomes(failed=1)
    assert suite.executions() == {"plainpkg": 1}
    assert (
        "'plainpkg' was about to be reloaded, which would initialise it a second time in this process."
        in result.stdout.str()
    )


def test_a_refusal_says_what_is_known(suite: Suite, run: Run) -> None:
    """The whole text of a refusal."""
    suite.tests(
        """
        import importlib

        import pytest

        def test_reload(plainpkg):
            with pytest.raises(RuntimeError) as caught:
                importlib.reload(plainpkg)
            error = type(caught.value)
            with open("refusal.txt", "w") as file:
                print(f"{error.__module__}.{error.__name__}", caught.value, sep="\\n", file=file)
        """
    )
    run("--heavy-guard=error").assert_outcomes(passed=1)
    assert (suite.path / "refusal.txt").read_text(encoding="utf-8") == (
        "pytest_heavyimports.ReloadRefused\n"
        "'plainpkg' was about to be reloaded, which would initialise it a second time in this process.\n"
        "  first:  test_it.py::test_reload (setup of fixture 'plainpkg')\n"
        "  reload: test_it.py:7, in test_it.py::test_reload (call)\n"
        f"  why:    {WHY}\n"
        f"{REMEDY}\n"
    )


def test_the_traceback_ends_at_the_users_line(suite: Suite, run: Run) -> None:
    """None of the plugin's frames is shown."""
    suite.tests(RELOADS)
    text = run("--heavy-guard=error").stdout.str()
    assert "test_it.py:4: ReloadRefused" in text
    assert "imports/reload.py" not in text
    assert "guard/session.py" not in text


def test_restore_gives_the_module_back(suite: Suite, run: Run) -> None:
    """The reload is no reload, and a warning at the user's line tells so."""
    file = suite.tests(RELOADS)
    number = (
        file.read_text(encoding="utf-8").splitlines().index("    assert importlib.reload(plainpkg) is plainpkg") + 1
    )
    result = run("--heavy-guard=restore")
    result.assert_outcomes(passed=1, warnings=1)
    assert suite.executions() == {"plainpkg": 1}
    result.stdout.fnmatch_lines(
        [
            "test_it.py::test_reload",
            f"*test_it.py:{number}: HeavyImportWarning: 'plainpkg' was not reloaded: the module was given back *",
            "*  first:  test_it.py::test_reload (setup of fixture 'plainpkg')",
            f"*  reload: test_it.py:{number}, in test_it.py::test_reload (call)",
            "*  why:    it is declared as 'plainpkg' (pytest.ini, [[]pytest[]], line 1 of heavy_modules), *",
        ]
    )


def test_the_warning_can_be_made_an_error(suite: Suite, run: Run) -> None:
    """``-W error::pytest_heavyimports.HeavyImportWarning`` fails the test that reloads."""
    suite.tests(RELOADS)
    result = run("--heavy-guard=restore", "-W", "error::pytest_heavyimports.HeavyImportWarning")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*HeavyImportWarning: 'plainpkg' was not reloaded: *"])


def test_the_warning_can_be_ignored(suite: Suite, run: Run) -> None:
    """A filter in the file silences it."""
    suite.declare("plainpkg", filterwarnings="ignore::pytest_heavyimports.HeavyImportWarning", heavy_guard="restore")
    suite.tests(RELOADS)
    result = run()
    result.assert_outcomes(passed=1, warnings=0)


def test_the_file_sets_the_mode_and_the_flag_goes_before_it(suite: Suite, run: Run) -> None:
    """``heavy_guard = error`` in the file, and ``--heavy-guard=off`` on the command line."""
    suite.declare("plainpkg", heavy_guard="error")
    suite.tests(RELOADS)
    run().assert_outcomes(failed=1)
    run("--heavy-guard=off").assert_outcomes(passed=1)


def test_another_value_is_refused(suite: Suite) -> None:
    """A value that is none is a usage error, told once."""
    suite.declare(heavy_guard="strict")
    assert usage_errors(suite.run_inside()) == [
        "heavy_guard: 'strict' is none of off, restore, error (pytest.ini, [pytest])."
    ]


def test_parts_of_a_package_are_protected_with_it(suite: Suite, run: Run) -> None:
    """A submodule that the suite has not declared is protected by its package."""
    suite.tests(
        """
        import importlib

        def test_reload(plainpkg):
            import plainpkg.part
            importlib.reload(plainpkg.part)
        """
    )
    run("--heavy-guard=error").assert_outcomes(failed=1)
    assert suite.executions() == {"plainpkg": 1, "plainpkg.part": 1}


@pytest.mark.parametrize("mode", ["restore", "error"])
def test_the_code_under_test_can_be_reloaded(suite: Suite, run: Run, mode: str) -> None:
    """A declared module that isn't installed is not protected, nor is one that isn't declared."""
    suite.declare("counted")
    suite.tests(
        """
        import importlib

        def test_declared(counted):
            assert importlib.reload(counted) is counted

        def test_undeclared():
            import counted.part, plainpkg, json
            for module in (counted.part, plainpkg, json):
                assert importlib.reload(module) is module
        """
    )
    run(f"--heavy-guard={mode}", "-W", "error").assert_outcomes(passed=2)
    assert suite.executions() == {"counted": 2, "counted.part": 2, "plainpkg": 2}


def test_user_code_that_imports_a_heavy_module_can_be_reloaded(suite: Suite, run: Run) -> None:
    """The reload of a module of the project executes it again and finds the heavy module as it was."""
    suite.write("app.py", "import plainpkg\n\nanswer = plainpkg.answer\n")
    suite.tests(
        """
        import importlib

        import app

        def test_it(plainpkg):
            app.answer = 0
            assert importlib.reload(app).answer == 42
            assert app.plainpkg is plainpkg
        """
    )
    run("--heavy-guard=error", "-W", "error").assert_outcomes(passed=1)
    assert suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            """
            @pytest.mark.heavy_guard("off")
            def test_reload(plainpkg):
                importlib.reload(plainpkg)
            """,
            id="test",
        ),
        pytest.param(
            """
            @pytest.mark.heavy_guard("off")
            class TestReload:
                def test_reload(self, plainpkg):
                    importlib.reload(plainpkg)
            """,
            id="class",
        ),
        pytest.param(
            """
            pytestmark = pytest.mark.heavy_guard("off")

            def test_reload(plainpkg):
                importlib.reload(plainpkg)
            """,
            id="module",
        ),
        pytest.param(
            """
            @pytest.fixture
            def fresh(plainpkg):
                yield importlib.reload(plainpkg)
                importlib.reload(plainpkg)

            @pytest.mark.heavy_guard("off")
            def test_reload(fresh):
                pass
            """,
            id="fixture",
        ),
    ],
)
def test_the_marker_lifts_the_guard(suite: Suite, run: Run, text: str) -> None:
    """``heavy_guard("off")`` on a test, class or module lifts the guard there, setup and teardown included."""
    suite.write("test_a.py", "import importlib\n\nimport pytest\n")
    with (suite.path / "test_a.py").open("a", encoding="utf-8") as file:
        file.write(suite.write("part.txt", text).read_text(encoding="utf-8"))
    suite.tests(RELOADS, "test_b.py")
    result = run("--heavy-guard=error", "--strict-markers", "-W", "error")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_b.py::test_reload*"])
    assert suite.executions()["plainpkg"] >= 2


def test_the_marker_is_listed(suite: Suite) -> None:
    """``pytest --markers`` says what it does."""
    suite.run_inside("--markers").stdout.fnmatch_lines(["@pytest.mark.heavy_guard(*off*): lift the guard *"])


def test_a_reload_that_was_bound_early_is_seen(suite: Suite, run: Run) -> None:
    """``from importlib import reload`` in a plugin that is loaded before ours is refused, too."""
    suite.write("early_plugin.py", "from importlib import reload\n")
    suite.tests("from early_plugin import reload\n\ndef test_reload(plainpkg):\n    reload(plainpkg)\n")
    result = run("-p", "early_plugin", "--heavy-guard=error")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*ReloadRefused: 'plainpkg' was about to be reloaded*"])
    assert suite.executions() == {"plainpkg": 1}


def test_a_reload_in_a_conftest_is_refused(suite: Suite, run: Run) -> None:
    """Packages that are known to break are protected before the first conftest is read."""
    suite.write("numpy/__init__.py", "")
    suite.write("conftest.py", "import importlib\n\nimport numpy\n\nimportlib.reload(numpy)\n")
    result = run("--heavy-guard=error")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "'numpy' was about to be reloaded" in result.stderr.str()


def test_a_reload_while_collecting_is_told_with_the_file(suite: Suite, run: Run) -> None:
    """A reload at the top of a test file is an error of that file."""
    suite.tests("import importlib\n\nimport plainpkg\n\nimportlib.reload(plainpkg)\n\ndef test_it(): pass\n")
    result = run("--heavy-guard=error")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*reload: test_it.py:5, in test_it.py (collection)"])


def test_a_swallowed_refusal_is_in_the_report(suite: Suite, run: Run) -> None:
    """``except Exception`` around a reload hides the error, not the line in the report."""
    suite.tests(
        """
        import importlib

        def test_reload(plainpkg):
            try:
                importlib.reload(plainpkg)
            except ImportError:
                raise AssertionError("a refusal is no ImportError")
            except Exception:
                pass
        """
    )
    result = run("--heavy-guard=error")
    result.assert_outcomes(passed=1)
    assert section(result)[-1] == "test_it.py:5, in test_it.py::test_reload (call): reload of plainpkg: refused"


def test_an_extension_that_breaks_is_saved(suite: Suite, extension: Installed) -> None:
    """A package whose C state refuses a second initialisation breaks unguarded, and not with the guard."""
    suite.declare("extpkg")
    suite.tests(
        """
        import importlib

        def test_reload(extpkg):
            importlib.reload(extpkg)

        def test_afterwards(extpkg):
            import extpkg as again
            assert again is extpkg
        """
    )

    def run(mode: str) -> pytest.RunResult:
        return suite.run(f"--heavy-guard={mode}", path=(extension.site,), **extension.environment)

    result = run("off")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["E*RuntimeError: operators can be registered once per process"])
    result = run("error")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["*why:    it has extension modules (extpkg._core), whose C state lives as long as the process"]
    )
    run("restore").assert_outcomes(passed=2, warnings=1)


DRIVER = """
{before}
import importlib
import sys
import warnings

import pytest

before = importlib.reload, list(sys.meta_path), list(warnings.filters), warnings.showwarning
code = pytest.main(["-p", "pytest_heavyimports.plugin", "-p", "no:cacheprovider", "--heavy-guard=error", *{args}])
after = importlib.reload, list(sys.meta_path), list(warnings.filters), warnings.showwarning
print("exit status", int(code))
print("as before", after == before)
"""

ENDINGS = {
    "well": (0, RELOADS.replace("importlib.reload(plainpkg)", "plainpkg"), "", []),
    "with a refusal": (1, RELOADS, "", []),
    "by Control-C in a test": (2, "def test_it(plainpkg): raise KeyboardInterrupt\n", "", []),
    "by an internal error": (
        3,
        "def test_it(plainpkg): pass\n",
        "def pytest_collection_modifyitems():\n    raise OSError('broken hook')\n",
        [],
    ),
    "by an internal error in a test's protocol": (
        3,
        "def test_it(plainpkg): pass\n",
        "def pytest_runtest_protocol():\n    raise OSError('broken hook')\n",
        [],
    ),
    "by a broken conftest": (4, "def test_it(): pass\n", "import not_there_at_all\n", []),
    "by a usage error": (4, "def test_it(): pass\n", "", ["-o", "heavy_modules=torch >> 2"]),
    "by another plugin's usage error": (
        4,
        "def test_it(): pass\n",
        "import pytest\n\ndef pytest_configure():\n    raise pytest.UsageError('no')\n",
        [],
    ),
    "after collection only": (0, "def test_it(): pass\n", "", ["--collect-only"]),
    "with the help": (0, "", "", ["--help"]),
    "with the version": (0, "", "", ["--version"]),
    "with the list": (0, "", "", ["--heavy-list"]),
}


TWINS = """\
from executions import record
import sys
from pathlib import Path

record(__name__)
path = [*sys.path]
sys.path.insert(0, str(Path(__file__).parent / "native"))
package = sys.modules.pop(__name__)
import twins as native

sys.modules[__name__] = package
sys.path[:] = path
answer = native.answer

import twins.part

del sys.modules["twins.part"]
import twins.part
"""


@pytest.mark.parametrize("how", [("--heavy-guard=restore",), ("--heavy-guard=error",), ("--heavy-defer",)])
def test_a_package_that_takes_itself_away_to_load_its_twin(
    suite: Suite, installed: Installed, how: tuple[str, ...]
) -> None:
    """As cv2 does: its extension module, in a directory of its own, has the name of the package that loads it."""
    files = {"twins/__init__.py": TWINS, "twins/native/twins.py": "answer = 42\n", "twins/part.py": ""}
    installed.add("twins", "1.0", files)
    suite.declare("twins")
    suite.tests(
        """
        import sys

        def test_first(twins):
            assert twins.answer == 42
            assert twins.native is not twins
            assert twins.__file__ != twins.native.__file__

        def test_again(twins, monkeypatch):
            monkeypatch.delitem(sys.modules, "twins")

        def test_afterwards(twins):
            import twins.part
            assert sys.modules["twins"] is twins
        """
    )
    result = suite.run(*how, "-W", "error", path=(installed.site,), **installed.environment)
    result.assert_outcomes(passed=3)
    assert "imported again" not in result.stdout.str()
    assert suite.executions() == {"twins": 1}


@pytest.mark.parametrize("ending", ENDINGS)
def test_everything_is_put_back_at_the_end(suite: Suite, installed: Installed, ending: str) -> None:
    """However a session ends, the import system is as it was before it."""
    status, tests, conftest, args = ENDINGS[ending]
    suite.declare("plainpkg")
    suite.tests(tests)
    if conftest:
        suite.write("conftest.py", conftest)
    # The list asks importlib_metadata for versions, which puts a finder of its own into sys.meta_path for good.
    before = "import importlib_metadata" if "--heavy-list" in args else ""
    suite.write("driver.py", DRIVER.format(args=args, before=before))
    result = suite.run_script("driver.py", path=(installed.site,), **installed.environment)
    result.stdout.fnmatch_lines([f"exit status {status}", "as before True"])


@pytest.mark.parametrize("inner", ["--heavy-guard=error", "--heavy-guard=off"])
def test_a_session_inside_a_session(suite: Suite, run: Run, inner: str) -> None:
    """An inner pytest in the same process works, with the guard too, and the outer one's guard outlasts it."""
    suite.write(
        "inner/test_inner.py",
        """
        import importlib

        def test_heavy(heavy_module):
            assert heavy_module("plainpkg").answer == 42

        def test_light():
            import counted
            assert importlib.reload(counted) is counted
        """,
    )
    suite.tests(
        f"""
        import importlib

        import pytest

        def test_session():
            args = ["-p", "pytest_heavyimports.plugin", "-p", "no:cacheprovider", "{inner}", "inner"]
            assert pytest.main(args) == 0

        def test_reload(plainpkg):
            with pytest.raises(RuntimeError, match="was about to be reloaded"):
                importlib.reload(plainpkg)
        """
    )
    result = run("--heavy-guard=error", "test_it.py")
    assert result.parseoutcomes()["passed"] == 2, result.stdout.str()
    assert suite.executions() == {"plainpkg": 1, "counted": 2}
