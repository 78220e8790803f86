"""The fixture hide_modules: what is installed is played "not installed", until the test ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.suite import section

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

MODES = ("off", "restore", "error")
NEEDING = """
from executions import record

record(__name__)
try:
    import plainpkg
except ImportError:
    plainpkg = None
"""


class Hidden:
    """A suite where ``plainpkg`` is installed, and ``needing``, which takes it where it is there."""

    def __init__(self, suite: Suite, installed: Installed) -> None:
        self.suite = suite
        self._installed = installed
        installed.add("needing", "1.0", {"needing/__init__.py": NEEDING, "needing/part.py": ""})
        suite.declare("needing")

    def run(self, mode: str, *args: str) -> pytest.RunResult:
        """Run it, where warnings are errors."""
        path = (self._installed.site,)
        where = self._installed.environment
        return self.suite.run(f"--heavy-guard={mode}", "-W", "error", *args, path=path, **where)


@pytest.fixture
def hidden(suite: Suite, installed: Installed) -> Hidden:
    """Such a suite."""
    return Hidden(suite, installed)


AS_IF_MISSING = """
import importlib.metadata
import importlib.util
import sys

import pytest

import plainpkg as held
import plainpkg.part

@pytest.mark.parametrize("name", ["plainpkg", "notinstalled"])
def test_it(hide_modules, name):
    hide_modules("plainpkg")
    assert importlib.util.find_spec(name) is None
    for each in (name, f"{name}.part", f"{name}.not_loaded"):
        with pytest.raises(ModuleNotFoundError):
            __import__(each)
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(each)
    with pytest.raises(ModuleNotFoundError):
        exec(f"from {name} import part")
    with pytest.raises(ModuleNotFoundError):
        importlib.util.find_spec(f"{name}.not_loaded")
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version(name)
    assert name not in {found.name for found in importlib.metadata.distributions()}
    assert importlib.metadata.version("pytest") == pytest.__version__
    with pytest.raises(pytest.skip.Exception):
        pytest.importorskip(name)
    assert held.part.answer == 42  # who holds it keeps it

def test_afterwards():
    assert sys.modules["plainpkg"] is held
    assert sys.modules["plainpkg.part"] is held.part
    assert importlib.util.find_spec("plainpkg") is held.__spec__
    assert importlib.metadata.version("plainpkg")
    import plainpkg.not_there_before
"""


@pytest.mark.parametrize("mode", MODES)
def test_as_if_it_were_missing(hidden: Hidden, installed: Installed, mode: str) -> None:
    """Whatever is asked, the answer is that of a package that is not installed; afterwards all is as it was."""
    files = {"plainpkg/not_loaded.py": "", "plainpkg/not_there_before.py": ""}
    installed.add("plainpkg-parts", "1.0", files)
    hidden.suite.tests(AS_IF_MISSING)
    hidden.run(mode).assert_outcomes(passed=3)
    assert hidden.suite.executions()["plainpkg"] == 1


@pytest.mark.parametrize("mode", MODES)
def test_nobody_is_crippled(hidden: Hidden, mode: str) -> None:
    """What is declared is imported first, and so has what is hidden, in the test and after it."""
    hidden.suite.tests(
        """
        def test_hides(hide_modules):
            hide_modules("plainpkg")
            import needing
            assert needing.plainpkg

        def test_afterwards():
            import needing
            import plainpkg
            assert needing.plainpkg is plainpkg
        """
    )
    result = hidden.run(mode)
    result.assert_outcomes(passed=2)
    assert hidden.suite.executions() == {"needing": 1, "plainpkg": 1}
    [line] = [line for line in section(result) if line.startswith("needing")]
    assert line.endswith("first: test_it.py::test_hides (call of fixture 'hide_modules')")


def test_what_is_hidden_is_not_imported_for_that(hidden: Hidden) -> None:
    """To hide a module that is declared costs no import of it."""
    hidden.suite.declare("needing", "plainpkg", "part = needing.part")
    hidden.suite.tests("def test_it(hide_modules):\n    hide_modules('needing', 'plainpkg')\n")
    hidden.run("error").assert_outcomes(passed=1)
    assert not hidden.suite.executions()


@pytest.mark.parametrize("mode", MODES)
def test_own_code_is_imported_anew(hidden: Hidden, mode: str) -> None:
    """What of the code under test was first imported meanwhile, and went without, is executed again afterwards."""
    hidden.suite.write("app/__init__.py", "")
    hidden.suite.write("app/model.py", NEEDING)
    hidden.suite.write("app/view.py", "from app.model import plainpkg as has_it\n")
    hidden.suite.write("app/other.py", "")
    hidden.suite.tests(
        """
        import sys

        import app

        def test_hides(hide_modules):
            with hide_modules("plainpkg"):
                import app.view
                assert app.view.has_it is None
            assert "app.view" not in sys.modules and not hasattr(app, "view")

        def test_afterwards():
            import app.view
            assert app.view.has_it is sys.modules["plainpkg"]

        def test_asks_for_nothing(hide_modules):
            with hide_modules("plainpkg"):
                import app.other
            assert sys.modules["app.other"] is app.other

        def test_was_there_before(hide_modules):
            view = sys.modules["app.view"]
            with hide_modules("plainpkg"):
                import app.view
            assert sys.modules["app.view"] is view
        """
    )
    hidden.run(mode).assert_outcomes(passed=4)


@pytest.mark.parametrize("mode", MODES)
def test_an_installed_package_that_goes_without_is_told(hidden: Hidden, mode: str) -> None:
    """One that is not declared, and first imported meanwhile, in the test that has it so."""
    hidden.suite.declare()
    hidden.suite.tests("def test_it(hide_modules):\n    hide_modules('plainpkg')\n    import needing\n")
    result = hidden.run(mode, "-W", "default")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "*test_it.py:1: HeavyImportWarning: 'needing' was first imported while 'plainpkg' was blocked *",
            "*blocked by: test_it.py::test_it",
            "*To play that plainpkg is not installed, use the fixture hide_modules, which first imports what *",
            "*declare needing in heavy_modules.",
        ]
    )


@pytest.mark.parametrize("mode", MODES)
def test_it_nests(hidden: Hidden, mode: str) -> None:
    """Each end puts back what was hidden by it, in whatever order; what a test puts there itself is its own."""
    hidden.suite.tests(
        """
        import sys

        import pytest

        import needing
        import plainpkg

        def state():
            return [sys.modules.get(name) for name in ("plainpkg", "needing")]

        def test_it(hide_modules):
            with hide_modules("plainpkg"):
                with hide_modules("plainpkg", "needing"):
                    assert state() == [None, None]
                assert state() == [None, needing]
            assert state() == [plainpkg, needing]

        @pytest.fixture
        def outer(hide_modules):
            return hide_modules("plainpkg")

        def test_by_a_fixture(outer, hide_modules, monkeypatch):
            hide_modules("needing")
            assert state() == [None, None]
            monkeypatch.setitem(sys.modules, "plainpkg", fake := object())
            assert state() == [fake, None]

        def test_the_first_ends_first(hide_modules):
            first, second = hide_modules("plainpkg"), hide_modules("needing")
            with first:
                pass
            assert state() == [plainpkg, None]

        def test_afterwards():
            assert state() == [plainpkg, needing]
            import importlib
            assert importlib._bootstrap._find_and_load.__code__.co_name == "_find_and_load"
        """
    )
    hidden.run(mode).assert_outcomes(passed=4)


@pytest.mark.parametrize("mode", MODES)
def test_a_part(hidden: Hidden, mode: str) -> None:
    """The rest of the package, and its distribution, are there."""
    hidden.suite.tests(
        """
        import importlib.metadata
        import importlib.util

        import pytest

        import needing.part

        def test_it(hide_modules):
            hide_modules("needing.part")
            with pytest.raises(ImportError):
                from needing import part
            assert importlib.util.find_spec("needing.part") is None
            assert importlib.metadata.version("needing") == "1.0"

        def test_afterwards():
            from needing import part
            assert part is needing.part
        """
    )
    hidden.run(mode).assert_outcomes(passed=2)


def test_what_is_no_name(hidden: Hidden) -> None:
    """It says so."""
    hidden.suite.tests("def test_it(hide_modules):\n    hide_modules('a b')\n")
    result = hidden.run("off")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'a b' can't be read: it is no module name. Write it as hide_modules(*"])


def test_it_is_heavy(hidden: Hidden) -> None:
    """A test that hides imports what is declared."""
    hidden.suite.tests("def test_it(hide_modules): pass\n")
    hidden.run("off", "-m", "heavy").assert_outcomes(passed=1)
