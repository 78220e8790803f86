"""The setting heavy_protect: what the guard protects beside the declared and the known ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.suite import Suite, usage_errors

if TYPE_CHECKING:
    from ..support.installed import Installed

# A reload is the shortest question: refused where the module is protected, carried out where it is not.
RELOADS = """
import importlib

import pytest

@pytest.mark.parametrize("name", {names})
def test_reload(name):
    importlib.reload(importlib.import_module(name))
"""


def _refused(suite: Suite, installed: Installed, *names: str) -> set[str]:
    """Which of the modules the guard protects."""
    suite.write("test_it.py", RELOADS.format(names=repr(list(names))))
    result = suite.run("--heavy-guard=error", "-rfpE", path=(installed.site,), **installed.environment)
    lines = [line.partition(" - ")[0] for line in result.outlines if line.startswith(("FAILED ", "PASSED "))]
    assert len(lines) == len(names), result.stdout.str()
    return {line.partition("[")[2].rstrip("]") for line in lines if line.startswith("FAILED")}


def test_the_own_package_is_protected(suite: Suite, installed: Installed) -> None:
    """A package of the project is protected, with all its parts, when it is named."""
    suite.write("app/__init__.py", "")
    suite.write("app/ops.py", "")
    suite.write("apps.py", "")
    assert _refused(suite, installed, "app", "app.ops", "apps") == set()
    suite.declare(heavy_protect="app")
    assert _refused(suite, installed, "app", "app.ops", "apps") == {"app", "app.ops"}


def test_an_installed_package_that_is_not_declared_is_protected(suite: Suite, installed: Installed) -> None:
    """Installed packages are protected where they are declared, or named here."""
    assert _refused(suite, installed, "plainpkg") == set()
    suite.declare(heavy_protect="plainpkg")
    assert _refused(suite, installed, "plainpkg", "plainpkg.part") == {"plainpkg", "plainpkg.part"}


def test_a_part_alone_is_protected(suite: Suite, installed: Installed) -> None:
    """A dotted name protects that part, and not its package."""
    suite.declare(heavy_protect="plainpkg.part")
    assert _refused(suite, installed, "plainpkg", "plainpkg.part") == {"plainpkg.part"}


def test_a_name_is_taken_away(suite: Suite, installed: Installed) -> None:
    """``!name`` takes away a declared package and one that is known to break."""
    suite.write("numpy/__init__.py", "")
    suite.write("jax/__init__.py", "")
    suite.declare("plainpkg")
    names = "plainpkg", "plainpkg.part", "numpy", "jax"
    assert _refused(suite, installed, *names) == set(names)
    suite.write("pytest.ini", "[pytest]\nheavy_modules = plainpkg\nheavy_protect =\n    !numpy\n    !plainpkg\n")
    assert _refused(suite, installed, *names) == {"jax"}


def test_a_part_is_taken_away(suite: Suite, installed: Installed) -> None:
    """``!package.part`` takes that part away; the innermost name decides."""
    suite.declare("plainpkg", heavy_protect="!plainpkg.part")
    assert _refused(suite, installed, "plainpkg", "plainpkg.part") == {"plainpkg"}


def test_a_part_of_what_is_taken_away_can_be_protected(suite: Suite, installed: Installed) -> None:
    """The other way round too: the package is not protected, a part of it is."""
    suite.write("pytest.ini", "[pytest]\nheavy_modules = plainpkg\nheavy_protect =\n    !plainpkg\n    plainpkg.part\n")
    assert _refused(suite, installed, "plainpkg", "plainpkg.part") == {"plainpkg.part"}


def test_what_is_taken_away_can_be_evicted(suite: Suite, installed: Installed) -> None:
    """The import of what is not protected goes as it always did, displaced or not, and nothing is told."""
    suite.declare("plainpkg", heavy_protect="!plainpkg")
    suite.tests(
        """
        import sys

        def test_it():
            import plainpkg as first
            del sys.modules["plainpkg"]
            import plainpkg as second
            assert first is not second
            del sys.modules["plainpkg"]
        """
    )
    arguments = "--heavy-guard=error", "-W", "error"
    suite.run(*arguments, path=(installed.site,), **installed.environment).assert_outcomes(passed=1)
    assert suite.executions() == {"plainpkg": 2}


@pytest.mark.parametrize("mode", ["restore", "error"])
def test_the_own_package_is_kept(suite: Suite, installed: Installed, mode: str) -> None:
    """An eviction of the own package, protected by name, is judged as that of any other; its reason names the line."""
    suite.write("app/__init__.py", "from executions import record\n\nrecord(__name__)\n")
    suite.declare(heavy_protect="app")
    suite.tests(
        """
        import sys

        import app

        def test_evicts():
            del sys.modules["app"]

        def test_victim():
            assert sys.modules["app"] is app
        """
    )
    result = suite.run(f"--heavy-guard={mode}", path=(installed.site,), **installed.environment)
    if mode == "restore":
        result.assert_outcomes(passed=2, warnings=1)
    else:
        result.assert_outcomes(passed=2, errors=1)
    text = result.stdout.str()
    assert "'app' was thrown out of sys.modules, and was put back.\n" in text
    assert "why:      it is declared as 'app' (heavy_protect), which the session imports once: " in text
    assert suite.executions() == {"app": 1}


def test_from_the_command_line(suite: Suite, installed: Installed) -> None:
    """``-o heavy_protect=…`` works as for every key."""
    suite.tests("import importlib\nimport plainpkg\n\ndef test_it():\n    importlib.reload(plainpkg)\n")
    arguments = "--heavy-guard=error", "-o", "heavy_protect=plainpkg"
    suite.run(*arguments, path=(installed.site,), **installed.environment).assert_outcomes(failed=1)


def test_native_toml(suite: Suite, installed: Installed) -> None:
    """A list in pyproject.toml."""
    text = '[tool.pytest.ini_options]\nheavy_protect = ["plainpkg", "!plainpkg.part"]\n'
    suite.write("pyproject.toml", text)
    assert _refused(suite, installed, "plainpkg", "plainpkg.part") == {"plainpkg"}


@pytest.mark.parametrize("line", ["my-package", "app/ops.py", "!", "a..b", "torch >= 2", "!!numpy", "app:run"])
def test_a_bad_line_is_a_usage_error(suite: Suite, line: str) -> None:
    """A line that is no module name is told with the place, before collection."""
    suite.declare(heavy_protect=line)
    assert usage_errors(suite.run_inside()) == [
        f"heavy_protect: {line!r} is no module name (pytest.ini, [pytest], line 1 of heavy_protect). "
        "Write it as 'package.module'."
    ]


def test_all_bad_lines_are_told_at_once(suite: Suite) -> None:
    """Each on a line of its own, with those of other keys."""
    suite.write("pytest.ini", "[pytest]\nheavy_guard = strict\nheavy_protect =\n    a-b\n    good\n    c-d\n")
    assert usage_errors(suite.run_inside()) == [
        "heavy_guard: 'strict' is none of off, restore, error (pytest.ini, [pytest]).",
        "heavy_protect: 'a-b' is no module name (pytest.ini, [pytest], line 1 of heavy_protect). "
        "Write it as 'package.module'.",
        "heavy_protect: 'c-d' is no module name (pytest.ini, [pytest], line 3 of heavy_protect). "
        "Write it as 'package.module'.",
    ]
