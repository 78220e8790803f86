"""Import hooks that are put in front of the guard's finder, and tests that empty ``sys.meta_path``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import MODES, Guarded, failures, told

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

HOOK = """
    import sys
    from importlib.machinery import PathFinder, SourceFileLoader

    class Loader(SourceFileLoader):
        def exec_module(self, module):
            module.is_hooked = True
            super().exec_module(module)

    class Hook:
        def find_spec(self, fullname, path=None, target=None):
            spec = PathFinder.find_spec(fullname, path)
            if fullname.startswith("plainpkg") and spec:
                spec.loader = Loader(fullname, spec.loader.path)
            return spec
    """


@pytest.fixture
def guarded(suite: Suite, installed: Installed) -> Guarded:
    """A suite where ``plainpkg`` is protected."""
    guarded = Guarded(suite, installed)
    suite.write("hooking.py", HOOK)
    suite.write("pytest.ini", "[pytest]\npythonpath = .\nheavy_modules = plainpkg\n")
    return guarded


@pytest.mark.parametrize("where", ["a conftest", "the test"])
@pytest.mark.parametrize("mode", MODES)
def test_the_guard_protects_behind_a_hook(guarded: Guarded, mode: str, where: str) -> None:
    """The hook does its work, once; what it has loaded is given back; it is taken out by its place in the list."""
    put_in = "import hooking, sys\nsys.meta_path.insert(0, hooking.Hook())\n"
    if where == "a conftest":
        guarded.suite.write("conftest.py", put_in)
    guarded.suite.write("putting.py", put_in if where == "the test" else "")
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import patch

        def test_first_import():
            import putting
            with patch.dict(sys.modules, {"absent": None}):
                import plainpkg.part

        def test_again():
            import plainpkg.part
            assert plainpkg.is_hooked and plainpkg.part.is_hooked
            assert type(plainpkg.__loader__).__name__ == "Loader"

        def test_takes_the_hook_out():
            assert type(sys.meta_path.pop(0)).__name__ == "Hook"
            assert not any(type(each).__name__ == "Hook" for each in sys.meta_path)
        """
    )
    result = guarded.run(mode)
    assert failures(result) == (["ERROR test_it.py::test_first_import"] if mode == "error" else [])
    assert guarded.suite.executions() == {"plainpkg": 1, "plainpkg.part": 1}


def test_a_hook_that_refuses_is_obeyed(guarded: Guarded) -> None:
    """So tests play "not installed", though the module is kept."""
    guarded.suite.tests(
        """
        import sys

        import pytest

        class Refusing:
            def find_spec(self, fullname, path=None, target=None):
                if fullname == "plainpkg":
                    raise ModuleNotFoundError(fullname)

        def test_not_installed(monkeypatch):
            import plainpkg
            monkeypatch.delitem(sys.modules, "plainpkg")
            monkeypatch.setattr(sys, "meta_path", [Refusing(), *sys.meta_path])
            with pytest.raises(ModuleNotFoundError):
                import plainpkg

        def test_no_finder(monkeypatch):
            import plainpkg
            monkeypatch.delitem(sys.modules, "plainpkg")
            monkeypatch.setattr(sys, "meta_path", [])
            with pytest.raises(ModuleNotFoundError), pytest.warns(ImportWarning):
                import plainpkg
        """
    )
    result = guarded.run("error")
    result.assert_outcomes(passed=2)
    assert told(result) == []


def test_a_reload_behind_a_hook(guarded: Guarded) -> None:
    """Is answered as any other, however ``reload`` was bound."""
    guarded.suite.tests(
        """
        import sys
        from importlib import reload

        import hooking
        import pytest

        def test_reload(plainpkg, monkeypatch):
            monkeypatch.setattr(sys, "meta_path", [hooking.Hook(), *sys.meta_path])
            assert reload(plainpkg) is plainpkg
        """
    )
    guarded.suite.write("conftest.py", "from importlib import reload\n")
    guarded.run("restore").assert_outcomes(passed=1, warnings=1)
    assert guarded.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize("how", ["sys.meta_path.clear()", "sys.meta_path = []"])
@pytest.mark.parametrize("mode", ["off", *MODES])
def test_a_test_leaves_no_finder(guarded: Guarded, mode: str, how: str) -> None:
    """The section at the end is written all the same, and the exit status is that of the tests."""
    guarded.suite.tests(f"import sys\n\ndef test_it(plainpkg):\n    {how}\n\ndef test_other(): pass\n")
    result = guarded.run(mode)
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["plainpkg 2.3.1*first: test_it.py::test_it (setup of fixture 'plainpkg')"])
