"""Fakes in the place of protected modules, and what the guard does with those that nobody takes out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import AFTERWARDS, MODES, Guarded, failures
from ..support.guarded import owners_told as told

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite


@pytest.fixture
def guarded(suite: Suite, installed: Installed) -> Guarded:
    """A suite where ``plainpkg`` is protected."""
    return Guarded(suite, installed)


# Each put in by the top of a test file, and never taken out.
FAKES = {
    "MagicMock": "MagicMock()",
    "ModuleType": 'types.ModuleType("plainpkg")',
    "SimpleNamespace": "types.SimpleNamespace(answer=42)",
    "MagicMock with a spec": 'MagicMock(spec=types.ModuleType("plainpkg"))',
}
LENDING = """
import sys
import types
from unittest.mock import MagicMock

{before}
fake = sys.modules["plainpkg"] = {fake}

class TestIt:
    def test_has_its_fake(self):
        import plainpkg
        assert plainpkg is fake

def test_has_it_still():
    assert sys.modules["plainpkg"] is fake
"""


@pytest.mark.parametrize("before", ["", "import plainpkg"], ids=["never imported", "imported before"])
@pytest.mark.parametrize("fake", FAKES)
def test_a_fake_is_lent_to_its_file(guarded: Guarded, fake: str, before: str) -> None:
    """What a file leaves in ``sys.modules`` is there for its own tests, and for nobody else before or after them."""
    others = "import sys\n\nimport plainpkg as at_the_top\n\ndef test_real():\n    assert at_the_top.answer == 42\n"
    others += '    assert sys.modules["plainpkg"] is at_the_top\n'
    guarded.suite.tests(others, "test_a.py")
    guarded.suite.tests(LENDING.format(before=before, fake=FAKES[fake]), "test_m.py")
    guarded.suite.tests(others, "test_y.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("restore")
    result.assert_outcomes(passed=5, warnings=1)
    assert told(result) == ["test_m.py (collection): left a fake of plainpkg: taken away"]
    assert guarded.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize("before", ["", "import plainpkg"], ids=["never imported", "imported before"])
def test_in_error_the_file_fails(guarded: Guarded, before: str) -> None:
    """A fake that a file leaves is its leak; the tests of all others have the real module."""
    guarded.suite.tests(LENDING.format(before=before, fake="MagicMock()"), "test_m.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("error")
    assert failures(result) == ["ERROR test_m.py"]
    result.assert_outcomes(passed=1, errors=1)
    assert told(result) == ["test_m.py (collection): left a fake of plainpkg: taken away"]
    assert guarded.suite.executions() == {"plainpkg": 1}


def test_a_real_module_that_is_never_asked_for_stays_away(guarded: Guarded) -> None:
    """Where the real module was never imported, taking the fake away imports nothing."""
    guarded.suite.tests(LENDING.format(before="", fake="MagicMock()"), "test_m.py")
    guarded.suite.tests('import sys\n\ndef test_light():\n    assert "plainpkg" not in sys.modules\n', "test_z.py")
    guarded.run("restore").assert_outcomes(passed=3, warnings=1)
    assert not guarded.suite.executions()


def test_two_files_have_a_fake_each(guarded: Guarded) -> None:
    """Each file's tests see the fake that their own file has left."""
    for name in ("test_m.py", "test_n.py"):
        guarded.suite.tests(LENDING.format(before="", fake="MagicMock()"), name)
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("restore")
    result.assert_outcomes(passed=5, warnings=2)
    assert told(result) == [
        f"{file} (collection): left a fake of plainpkg: taken away" for file in ("test_m.py", "test_n.py")
    ]


def test_a_fake_of_a_part(guarded: Guarded) -> None:
    """A submodule's fake is lent as a package's is; the package stays the real one."""
    guarded.suite.tests(
        """
        import sys
        import types

        import plainpkg

        fake = sys.modules["plainpkg.part"] = types.ModuleType("plainpkg.part")

        def test_fake():
            from plainpkg import part
            import plainpkg.part as by_name
            assert sys.modules["plainpkg.part"] is fake
            assert sys.modules["plainpkg"] is plainpkg
        """,
        "test_m.py",
    )
    guarded.suite.tests(
        "def test_real():\n    import plainpkg.part\n    assert plainpkg.part.answer == 42\n", "test_z.py"
    )
    result = guarded.run("restore")
    result.assert_outcomes(passed=2, warnings=1)
    assert told(result) == ["test_m.py (collection): left a fake of plainpkg.part: taken away"]
    assert guarded.suite.executions() == {"plainpkg": 1, "plainpkg.part": 1}


def test_a_fake_of_a_part_that_was_imported(guarded: Guarded) -> None:
    """The real part comes back after the fake's tests, and as the attribute of its package too."""
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock

        import plainpkg.part

        sys.modules["plainpkg.part"] = MagicMock()

        def test_fake():
            assert isinstance(sys.modules["plainpkg.part"], MagicMock)
        """,
        "test_m.py",
    )
    guarded.suite.tests(
        """
        import sys

        def test_real():
            import plainpkg.part
            assert plainpkg.part is sys.modules["plainpkg.part"]
            assert plainpkg.part.answer == 42
        """,
        "test_z.py",
    )
    result = guarded.run("restore")
    result.assert_outcomes(passed=2, warnings=1)
    assert guarded.suite.executions() == {"plainpkg": 1, "plainpkg.part": 1}


@pytest.mark.parametrize("mode", MODES)
def test_a_fake_package_with_fake_parts(guarded: Guarded, mode: str) -> None:
    """A fake package and its fake parts are one leak, the outermost named, and go together."""
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock

        for name in ("plainpkg", "plainpkg.part"):
            sys.modules[name] = MagicMock()

        def test_fake():
            import plainpkg.part
            assert isinstance(sys.modules["plainpkg.part"], MagicMock)
        """,
        "test_m.py",
    )
    guarded.suite.tests(
        "def test_real():\n    import plainpkg.part\n    assert plainpkg.part.answer == 42\n", "test_z.py"
    )
    result = guarded.run(mode)
    assert told(result) == ["test_m.py (collection): left a fake of plainpkg and 1 more: taken away"]
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_m.py"])
    assert guarded.suite.executions() == {"plainpkg": 1, "plainpkg.part": 1}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("before", ["", "import plainpkg\n"], ids=["never imported", "imported before"])
def test_a_test_that_leaves_a_fake_is_the_culprit(guarded: Guarded, before: str, mode: str) -> None:
    """A fake that a test's call leaves is that test's leak, and nobody has it afterwards."""
    guarded.suite.tests(
        f"""
        import sys
        from unittest.mock import MagicMock

        def test_fakes():
            {before.strip()}
            sys.modules["plainpkg"] = MagicMock()
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode)
    assert told(result) == ["test_a.py::test_fakes: left a fake of plainpkg: taken away"]
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_a.py::test_fakes"])
    assert result.parseoutcomes()["passed"] == 2
    assert guarded.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize("mode", MODES)
def test_a_fixture_that_leaves_a_fake_is_the_culprit(guarded: Guarded, mode: str) -> None:
    """While a module fixture lasts its fake is there; what it leaves after its finalizer is its leak."""
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock

        import plainpkg
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def faking():
            sys.modules["plainpkg"] = MagicMock()
            yield

        @pytest.mark.parametrize("number", [1, 2])
        def test_fake(number):
            import plainpkg
            assert isinstance(plainpkg, MagicMock)
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode)
    assert told(result) == ["test_a.py (setup of fixture 'faking'): left a fake of plainpkg: taken away"]
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_a.py::test_fake[2]"])
    assert result.parseoutcomes()["passed"] == 3


@pytest.mark.parametrize("mode", MODES)
def test_a_stand_in_for_what_is_not_installed_stays(guarded: Guarded, mode: str) -> None:
    """A stand-in for a package that isn't there hides nothing: it is left alone, for everybody, without a word."""
    guarded.suite.declare("plainpkg", "notinstalled", heavy_protect="notinstalled")
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock

        sys.modules["notinstalled"] = MagicMock()
        sys.modules["notinstalled.part"] = MagicMock()
        sys.modules["tensorflow"] = MagicMock()

        def test_it(): pass
        """,
        "test_m.py",
    )
    guarded.suite.tests(
        """
        import sys

        def test_it():
            import notinstalled.part, tensorflow
            assert "MagicMock" in repr(notinstalled.part)
            assert "MagicMock" in repr(tensorflow)
        """,
        "test_z.py",
    )
    if "tensorflow" in guarded.installed.environment:
        pytest.skip("tensorflow is installed")
    result = guarded.run(mode, "-W", "error")
    result.assert_outcomes(passed=2)
    assert told(result) == []


@pytest.mark.parametrize("mode", MODES)
def test_none_in_its_place_left_by_a_test(guarded: Guarded, mode: str) -> None:
    """``sys.modules[name] = None`` plays "not installed" while the test lasts; left behind, it is a leak."""
    guarded.suite.tests(
        """
        import sys

        import pytest

        def test_plays(plainpkg):
            sys.modules["plainpkg"] = None
            with pytest.raises(ModuleNotFoundError):
                import plainpkg
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode)
    assert told(result) == ["test_a.py::test_plays: left plainpkg displaced: put back"]
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_a.py::test_plays"])
    assert result.parseoutcomes()["passed"] == 2


def test_none_left_by_a_file_is_lent_to_it(guarded: Guarded) -> None:
    """A file that plays "not installed" for good has it so in its own tests, and others have the module."""
    guarded.suite.tests(
        """
        import sys

        import plainpkg
        import pytest

        sys.modules["plainpkg"] = None

        def test_plays():
            with pytest.raises(ModuleNotFoundError):
                import plainpkg
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("restore")
    assert failures(result) == []
    result.assert_outcomes(passed=2, warnings=1)


@pytest.mark.parametrize("mode", MODES)
def test_none_for_what_was_never_imported(guarded: Guarded, mode: str) -> None:
    """A file that plays "not installed" before the first import doesn't keep others from importing."""
    guarded.suite.tests('import sys\n\nsys.modules["plainpkg"] = None\n\ndef test_plays(): pass\n', "test_a.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode)
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_a.py"])
    assert "1 skipped" not in result.stdout.str()


def test_a_fake_of_the_root_conftest_stays(guarded: Guarded) -> None:
    """A root ``conftest.py`` that plays "no such package here" means the whole session: told, and left there."""
    guarded.suite.write(
        "conftest.py", 'import sys\nfrom unittest.mock import MagicMock\n\nsys.modules["plainpkg"] = MagicMock()\n'
    )
    guarded.suite.tests("def test_fake(plainpkg):\n    assert 'MagicMock' in repr(plainpkg)\n")
    result = guarded.run("error", "-W", "error")
    result.assert_outcomes(passed=1)
    assert len(told(result)) == 1
    assert told(result)[0] == "conftest.py:4 (before collection): left a fake of plainpkg: left alone"


@pytest.mark.parametrize(
    "culprit",
    [
        pytest.param(
            (
                """
                import sys
                from unittest.mock import MagicMock

                import pytest

                @pytest.fixture
                def faking(monkeypatch):
                    monkeypatch.setitem(sys.modules, "plainpkg", MagicMock())

                def test_it(faking):
                    import needing
                """,
                "test_it.py::test_it (setup of fixture 'faking')",
                11,
            ),
            id="fixture",
        ),
        pytest.param(
            (
                """
                import sys
                from unittest.mock import MagicMock

                def test_it(monkeypatch):
                    monkeypatch.setitem(sys.modules, "plainpkg", MagicMock())
                    import needing
                """,
                "test_it.py::test_it",
                6,
            ),
            id="test",
        ),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_a_module_first_imported_under_a_fake(
    guarded: Guarded, installed: Installed, culprit: tuple[str, str, int], mode: str
) -> None:
    """It is broken for good, so the one who put the fake there is named, at the line of the import."""
    text, owner, line = culprit
    installed.add("needing", "1.0", {"needing/__init__.py": "import plainpkg\n\nanswer = plainpkg.answer\n"})
    guarded.suite.declare("plainpkg", "needing")
    guarded.suite.tests(text)
    result = guarded.run(mode)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(
        [
            f"*test_it.py:{line}: HeavyImportWarning: 'needing' was first imported while a fake of 'plainpkg' was in *",
            "*  first:   test_it.py:*, in test_it.py::test_it (call)",
            f"*  fake by: test_it.py:*, in {owner}",
            "*Import needing before the fake is put in: declare it in heavy_modules and set heavy_preload = true.",
        ]
    )


def test_a_module_that_doesnt_need_the_faked_one_is_not_told(guarded: Guarded, installed: Installed) -> None:
    """Only a module that takes something from the fake is broken by it."""
    guarded.suite.declare("plainpkg", "cvlike")
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock

        def test_it(monkeypatch):
            monkeypatch.setitem(sys.modules, "plainpkg", MagicMock())
            import cvlike
        """
    )
    guarded.run("error", "-W", "error").assert_outcomes(passed=1)


LACKING = "try:\n    import plainpkg\nexcept ImportError:\n    plainpkg = None\n"
BLOCKERS = {
    "test": (
        """
        import sys

        def test_it(monkeypatch):
            monkeypatch.setitem(sys.modules, "plainpkg", None)
            import lacking
        """,
        "test_it.py::test_it",
    ),
    "fixture": (
        """
        import sys

        import pytest

        @pytest.fixture
        def blocking(monkeypatch):
            monkeypatch.setitem(sys.modules, "plainpkg", None)

        def test_it(blocking):
            import importlib
            importlib.import_module("lacking")
        """,
        "test_it.py::test_it (setup of fixture 'blocking')",
    ),
    "shared fixture": (
        """
        import sys

        import pytest

        @pytest.fixture(scope="module")
        def blocking():
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(sys.modules, "plainpkg", None)
                yield

        def test_it(blocking):
            import lacking
        """,
        "test_it.py (setup of fixture 'blocking')",
    ),
}


@pytest.mark.parametrize("blocker", BLOCKERS)
@pytest.mark.parametrize("mode", MODES)
def test_a_module_first_imported_while_another_is_blocked(
    guarded: Guarded, installed: Installed, blocker: str, mode: str
) -> None:
    """It goes without for good: who has blocked the other one is warned, and fails in ``error``."""
    installed.add("lacking", "1.0", {"lacking/__init__.py": LACKING})
    guarded.suite.declare("plainpkg", "lacking")
    text, owner = BLOCKERS[blocker]
    guarded.suite.tests(text)
    result = guarded.run(mode)
    result.assert_outcomes(passed=1, **({"warnings": 1} if mode == "restore" else {"errors": 1}))
    result.stdout.fnmatch_lines(
        [
            "*'lacking' was first imported while 'plainpkg' was blocked in sys.modules (None): it goes without *",
            "*  first: * in test_it.py::test_it (call)",
            f"*  blocked by: {owner}",
            "*  asked by:   lacking",
            "*use the fixture hide_modules, which first imports what is declared:",
            "*declare lacking in heavy_modules.",
        ]
    )


@pytest.mark.parametrize("mode", MODES)
def test_what_is_blocked_and_not_protected(guarded: Guarded, installed: Installed, mode: str) -> None:
    """Nobody has watched who it was: a warning says where the import was, and nobody fails."""
    installed.add("lacking", "1.0", {"lacking/__init__.py": LACKING})
    guarded.suite.declare("lacking")
    guarded.suite.tests(BLOCKERS["test"][0])
    result = guarded.run(mode)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*'lacking' was first imported while 'plainpkg' was blocked*", "*first: *::test_it *"])
    assert "blocked by" not in result.stdout.str()


@pytest.mark.parametrize("package", ["plainpkg", "nowhere"])
@pytest.mark.parametrize("mode", MODES)
def test_what_a_conftest_has_blocked_for_the_run(
    guarded: Guarded, installed: Installed, package: str, mode: str
) -> None:
    """Whether it is installed or not, the test that imports what misses it has done nothing: it doesn't fail."""
    installed.add("lacking", "1.0", {"lacking/__init__.py": LACKING.replace("plainpkg", package)})
    guarded.suite.declare("plainpkg", "nowhere", "lacking")
    guarded.suite.write("conftest.py", f"import sys\nsys.modules['{package}'] = None\n")
    guarded.suite.tests("def test_innocent():\n    import lacking\n")
    result = guarded.run(mode)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines([f"*'lacking' was first imported while '{package}' was blocked*"])
    assert "blocked by: test_it.py" not in " ".join(result.stdout.str().split())


@pytest.mark.parametrize("mode", MODES)
def test_what_is_blocked_and_not_missed_is_not_told(guarded: Guarded, mode: str) -> None:
    """Nor where the module was there before, or can't be imported without."""
    guarded.suite.declare("plainpkg", "cvlike", "part = plainpkg.part")
    guarded.suite.tests(
        """
        import sys

        import pytest

        def test_needs_nothing(monkeypatch):
            monkeypatch.setitem(sys.modules, "plainpkg", None)
            import cvlike

        def test_fails(monkeypatch):
            monkeypatch.setitem(sys.modules, "plainpkg", None)
            with pytest.raises(ImportError):
                import plainpkg.part
        """
    )
    guarded.run(mode, "-W", "error").assert_outcomes(passed=2)
