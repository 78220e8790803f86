"""Everything that the guard says about modules that were taken away or faked, word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.errors import EVICTION_REMEDY, FAKE_REMEDY, HALF_WHY, displaced_remedy, reimport_remedy

from ..support.guarded import Guarded, failures, told
from ..support.suite import section

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

WHY = (
    "it is declared as 'plainpkg' (pytest.ini, [pytest], line 1 of heavy_modules), "
    "which the session imports once: a second copy has other classes"
)
DEL_REMEDY = displaced_remedy("del", "plainpkg", is_declared=True)
STRICT = ("-W", "error::pytest_heavyimports.HeavyImportWarning")


@pytest.fixture
def guarded(suite: Suite, installed: Installed) -> Guarded:
    """A suite where ``plainpkg`` is protected."""
    return Guarded(suite, installed)


def _block(result: pytest.RunResult, begins: str, *, indent: str) -> str:
    """The lines of the output from the one that begins so, as long as they have the indentation that it has."""
    lines = iter(result.outlines)
    block = [next(line for line in lines if line.startswith(indent + begins)).removeprefix(indent)]
    for line in lines:
        if not line.startswith(indent) or not line.strip():
            break
        block.append(line.removeprefix(indent))
    return "\n".join(block)


EVICTS = """
import sys

def test_evicts(plainpkg):
    del sys.modules["plainpkg"]
"""

EVICTED = f"""\
'plainpkg' was thrown out of sys.modules, and was put back.
  first:    test_it.py::test_evicts (setup of fixture 'plainpkg')
  taken by: test_it.py:4, in test_it.py::test_evicts
  how:      del sys.modules["plainpkg"]
  why:      {WHY}
{DEL_REMEDY}"""


def test_remedies() -> None:
    """What to do instead ends each message, and is something to type."""
    assert EVICTION_REMEDY == (
        "To ask whether an import stays light, use the fixture import_probe, which asks a clean interpreter:\n"
        'assert "torch" not in import_probe("app.cli"). To take a module out for one test, use\n'
        "monkeypatch.delitem(sys.modules, ...), which puts it back. What is first imported inside of "
        "patch.dict(sys.modules, ...)\n"
        "is thrown out at its end: import it before, or set heavy_preload = true."
    )
    assert FAKE_REMEDY == (
        "Put a fake in with monkeypatch.setitem(sys.modules, ...) or patch.dict(sys.modules, ...), "
        "which take it out again."
    )


def test_a_leak_in_error(guarded: Guarded) -> None:
    """The text of a leak is all that is shown of the error: no traceback, in which there is nothing to find."""
    guarded.suite.tests(EVICTS)
    result = guarded.run("error")
    lines = result.outlines
    begin = next(number for number, line in enumerate(lines) if "ERROR at teardown of test_evicts" in line)
    end = next(number for number, line in enumerate(lines) if line.strip("= ") == "heavy imports")
    assert "\n".join(lines[begin + 1 : end]) == EVICTED
    assert failures(result) == ["ERROR test_it.py::test_evicts"]


def test_a_leak_in_restore(guarded: Guarded) -> None:
    """The warning stands at the line where the test begins, with the same text."""
    guarded.suite.tests(EVICTS)
    result = guarded.run("restore")
    line = f"{guarded.suite.path}/test_it.py:3: HeavyImportWarning: "
    assert _block(result, line, indent="  ") == f"{line}{EVICTED}\n  def test_evicts(plainpkg):"
    result.stdout.fnmatch_lines(["test_it.py::test_evicts"])


def test_the_report_tells_a_leak(guarded: Guarded) -> None:
    """First import, and what was left by whom; nothing else."""
    guarded.suite.tests(EVICTS)
    first, left = section(guarded.run("restore"))
    assert first.startswith("plainpkg ")
    assert first.endswith("  first: test_it.py::test_evicts (setup of fixture 'plainpkg')")
    assert left == "test_it.py:4, in test_it.py::test_evicts: left plainpkg displaced: put back"


def test_a_leak_of_several(guarded: Guarded) -> None:
    """The outermost is named, the others are counted."""
    guarded.suite.tests(
        """
        import sys

        def test_evicts(plainpkg):
            import plainpkg.part
            for name in ("plainpkg.part", "plainpkg"):
                del sys.modules[name]
        """
    )
    result = guarded.run("error")
    assert "\n'plainpkg' and 1 more were thrown out of sys.modules, and were put back.\n" in result.stdout.str()
    assert told(result) == ["test_it.py:6, in test_it.py::test_evicts: left plainpkg and 1 more displaced: put back"]


def test_a_leak_of_a_fixture(guarded: Guarded) -> None:
    """The fixture, its phase and its node are named, where the test that is told names none of them."""
    guarded.suite.tests(
        """
        import sys

        import plainpkg
        import pytest

        @pytest.fixture(scope="module")
        def evicting():
            yield
            sys.modules.pop("plainpkg")

        def test_it(evicting): pass
        """
    )
    text = guarded.run("error").stdout.str()
    assert (
        f"""
'plainpkg' was thrown out of sys.modules, and was put back.
  first:    test_it.py:3, in test_it.py (collection)
  taken by: test_it.py:9, in test_it.py (teardown of fixture 'evicting')
  how:      sys.modules.pop("plainpkg")
  why:      {WHY}
{DEL_REMEDY}
"""
        in text
    )


def test_a_leak_of_a_file(guarded: Guarded) -> None:
    """The text of a leak that was made while a file was collected, at the file."""
    guarded.suite.tests('import sys\n\nimport plainpkg\n\ndel sys.modules["plainpkg"]\n\ndef test_it(): pass\n')
    expected = f"""\
'plainpkg' was thrown out of sys.modules, and was put back.
  first:    test_it.py:3, in test_it.py (collection)
  taken by: test_it.py:5, in test_it.py (collection)
  how:      del sys.modules["plainpkg"]
  why:      {WHY}
{DEL_REMEDY}"""
    result = guarded.run("error")
    assert _block(result, "'plainpkg' was thrown out", indent="").startswith(expected + "\n")
    assert failures(result) == ["ERROR test_it.py"]
    line = f"{guarded.suite.path}/test_it.py:1: HeavyImportWarning: "
    assert _block(guarded.run("restore"), line, indent="  ") == f"{line}{expected}\n  import sys"


def test_a_fake_that_a_file_leaves(guarded: Guarded) -> None:
    """The text says what the fake is, by its type, and how to put one in so that it goes."""
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock

        import plainpkg

        sys.modules["plainpkg"] = MagicMock()

        def test_it(): pass
        """
    )
    expected = f"""\
A fake of 'plainpkg' was left in sys.modules: a MagicMock. Only that file's own tests see it.
  first:   test_it.py:4, in test_it.py (collection)
  fake by: test_it.py:6, in test_it.py (collection)
  how:     sys.modules["plainpkg"] = MagicMock()
  why:     {WHY}
{FAKE_REMEDY}"""
    line = f"{guarded.suite.path}/test_it.py:1: HeavyImportWarning: "
    result = guarded.run("restore")
    assert _block(result, line, indent="  ") == f"{line}{expected}\n  import sys"
    assert told(result) == ["test_it.py:6, in test_it.py (collection): left a fake of plainpkg: taken away"]
    assert _block(guarded.run("error"), "A fake of", indent="").startswith(expected + "\n")


def test_a_refused_re_import(guarded: Guarded) -> None:
    """Who imports what it has thrown out is told where it was first imported, who took it, and where it came again."""
    guarded.suite.tests(
        """
        import sys

        import pytest

        def test_first(plainpkg): pass

        def test_cold_start(monkeypatch):
            monkeypatch.delitem(sys.modules, "plainpkg")
            with pytest.raises(RuntimeError) as caught:
                import plainpkg
            error = type(caught.value)
            with open("refusal.txt", "w") as file:
                print(f"{error.__module__}.{error.__name__}", caught.value, sep="\\n", file=file)
        """
    )
    result = guarded.run("error")
    result.assert_outcomes(passed=2)
    assert (guarded.suite.path / "refusal.txt").read_text(encoding="utf-8") == (
        "pytest_heavyimports.ReimportRefused\n"
        "'plainpkg' was about to be initialised a second time in this process.\n"
        "  first:    test_it.py::test_first (setup of fixture 'plainpkg')\n"
        "  taken by: test_it.py:8, in test_it.py::test_cold_start\n"
        '  how:      monkeypatch.delitem(sys.modules, "plainpkg")\n'
        "  again:    test_it.py:10, in test_it.py::test_cold_start (call)\n"
        f"  why:      {WHY}\n"
        f"{reimport_remedy('plainpkg')}\n"
    )
    assert told(result) == [
        "test_it.py:10, in test_it.py::test_cold_start (call): plainpkg imported again, "
        "taken by test_it.py:8, in test_it.py::test_cold_start: refused"
    ]


REFUSED = """
import sys

def test_it(plainpkg):
    del sys.modules["plainpkg"]
    import plainpkg
"""


def test_the_traceback_of_a_refusal_ends_at_the_users_line(guarded: Guarded) -> None:
    """Neither the plugin's frames nor the import system's are shown."""
    guarded.suite.tests(REFUSED)
    text = guarded.run("error").stdout.str()
    assert "\ntest_it.py:5: ReimportRefused\n" in text
    assert "importlib" not in text
    assert "guard/session.py" not in text


def test_a_re_import_that_is_given_back_is_no_leak(guarded: Guarded) -> None:
    """In mode ``restore`` it is a line in the report, and no warning: everything is in its place again."""
    guarded.suite.tests(REFUSED)
    result = guarded.run("restore", "-W", "error")
    result.assert_outcomes(passed=1)
    assert told(result) == [
        "test_it.py:5, in test_it.py::test_it (call): plainpkg imported again, "
        "taken by test_it.py:4, in test_it.py::test_it: given back"
    ]


def test_half_imported(guarded: Guarded) -> None:
    """The whole text about a first import that was broken off."""
    breakable = "from . import part\nimport builtins\nif getattr(builtins, 'breaks', True): raise KeyboardInterrupt\n"
    guarded.installed.add("brokenoff", "1.0", {"brokenoff/__init__.py": breakable, "brokenoff/part.py": ""})
    guarded.suite.declare("brokenoff")
    guarded.suite.tests(
        """
        import pytest

        def test_it():
            with pytest.raises(KeyboardInterrupt):
                import brokenoff
            with pytest.raises(RuntimeError) as caught:
                import brokenoff
            error = type(caught.value)
            with open("refusal.txt", "w") as file:
                print(f"{error.__module__}.{error.__name__}", caught.value, sep="\\n", file=file)
        """
    )
    guarded.run("restore").assert_outcomes(passed=1)
    assert (guarded.suite.path / "refusal.txt").read_text(encoding="utf-8") == (
        "pytest_heavyimports.HalfImported\n"
        "'brokenoff' can't be imported any more: its first import in this process was broken off.\n"
        "  first: test_it.py:5, in test_it.py::test_it (call)\n"
        "  error: KeyboardInterrupt()\n"
        f"  why:   {HALF_WHY}\n"
        "To have it whole before anything can break it off, declare it in heavy_modules and set heavy_preload = true.\n"
    )


def test_imported_under_a_fake(guarded: Guarded) -> None:
    """The whole text about a module that took something from a fake."""
    guarded.installed.add("wanting", "1.0", {"wanting/__init__.py": "import plainpkg\n"})
    guarded.suite.declare("plainpkg", "wanting")
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock

        def test_it(monkeypatch):
            monkeypatch.setitem(sys.modules, "plainpkg", MagicMock())
            import wanting
        """
    )
    line = f"{guarded.suite.path}/test_it.py:6: HeavyImportWarning: "
    assert _block(guarded.run("error"), line, indent="  ") == (
        f"{line}'wanting' was first imported while a fake of 'plainpkg' was in its place: what it took from there is "
        "broken for the rest of this process.\n"
        "  first:   test_it.py:6, in test_it.py::test_it (call)\n"
        "  fake by: test_it.py:5, in test_it.py::test_it\n"
        "Import wanting before the fake is put in: declare it in heavy_modules and set heavy_preload = true.\n"
        "  import wanting"
    )


def test_before_collection(guarded: Guarded) -> None:
    """What happened before collection is told in the report alone, with what was done about it."""
    guarded.suite.write("conftest.py", 'import sys\n\nimport plainpkg\n\ndel sys.modules["plainpkg"]\n')
    guarded.suite.tests("def test_it(): pass\n")
    result = guarded.run("error", "-W", "error")
    result.assert_outcomes(passed=1)
    assert told(result) == [
        "conftest.py:5 (before collection): left plainpkg displaced: put back",
        *(f"    {line}" for line in DEL_REMEDY.splitlines()),
    ]


def test_the_report_says_that_a_fake_stays(guarded: Guarded) -> None:
    """A fake of the root ``conftest.py`` is left in place, so the report doesn't say that it was taken away."""
    guarded.suite.write(
        "conftest.py", 'import sys\nfrom unittest.mock import MagicMock\n\nsys.modules["plainpkg"] = MagicMock()\n'
    )
    guarded.suite.tests("import sys\n\ndef test_it():\n    assert 'MagicMock' in repr(sys.modules['plainpkg'])\n")
    result = guarded.run("error", "-W", "error")
    result.assert_outcomes(passed=1)
    (line,) = told(result)
    assert line == "conftest.py:4 (before collection): left a fake of plainpkg: left alone"
    assert "taken away" not in line


def test_no_section_where_nothing_was_done(guarded: Guarded) -> None:
    """A session in which nothing heavy was imported and nobody did anything has no section."""
    guarded.suite.tests("def test_it(): pass\n")
    assert section(guarded.run("error")) == []


def test_as_errors_in_a_test(guarded: Guarded) -> None:
    """``-W error::…HeavyImportWarning`` makes a leak an error of the culprit's teardown, and the module is put back."""
    guarded.suite.tests(EVICTS + "\ndef test_victim(plainpkg):\n    assert sys.modules['plainpkg'] is plainpkg\n")
    result = guarded.run("restore", *STRICT)
    result.assert_outcomes(passed=2, errors=1)
    assert failures(result) == ["ERROR test_it.py::test_evicts"]
    assert "HeavyImportWarning: 'plainpkg' was thrown out of sys.modules, and was put back.\n" in result.stdout.str()


def test_as_errors_every_leak_is_told(guarded: Guarded) -> None:
    """With warnings as errors, the second leak of a test is told too: two causes take two remedies."""
    guarded.suite.declare("plainpkg", "cvlike")
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock

        def test_evicts(plainpkg, cvlike):
            del sys.modules["plainpkg"]
            sys.modules["cvlike"] = MagicMock()
        """
    )
    text = guarded.run("restore", *STRICT).stdout.str()
    assert "'plainpkg' was thrown out of sys.modules, and was put back.\n" in text
    assert "A fake of 'cvlike' was left in sys.modules: a MagicMock. It was taken away.\n" in text


def test_as_errors_while_collecting(guarded: Guarded) -> None:
    """``-W error::…HeavyImportWarning`` makes a file's leak an error of its collection; the others run."""
    guarded.suite.tests(
        'import sys\n\nimport plainpkg\n\ndel sys.modules["plainpkg"]\n\ndef test_it(): pass\n', "test_a.py"
    )
    guarded.suite.tests("import plainpkg\n\ndef test_victim():\n    assert plainpkg.answer == 42\n", "test_z.py")
    result = guarded.run("restore", *STRICT)
    assert failures(result) == ["ERROR test_a.py"]
    result.assert_outcomes(passed=1, errors=1)
    assert guarded.suite.executions() == {"plainpkg": 1}


def test_the_warnings_can_be_ignored(guarded: Guarded) -> None:
    """``filterwarnings = ignore::…HeavyImportWarning`` silences leaks, in tests and in collection."""
    guarded.suite.declare("plainpkg", filterwarnings="ignore::pytest_heavyimports.HeavyImportWarning")
    guarded.suite.tests(
        'import sys\n\nimport plainpkg\n\ndel sys.modules["plainpkg"]\n\ndef test_it(): pass\n', "test_a.py"
    )
    guarded.suite.tests(EVICTS, "test_b.py")
    guarded.run("restore").assert_outcomes(passed=2, warnings=0)


def test_a_failing_culprit_is_told_as_well(guarded: Guarded) -> None:
    """A test that fails and leaks has its own failure and the leak's error; neither hides the other."""
    guarded.suite.tests(EVICTS + "    raise ValueError('of its own')\n")
    result = guarded.run("error")
    result.assert_outcomes(failed=1, errors=1)
    text = result.stdout.str()
    assert "ValueError: of its own" in text
    assert "'plainpkg' was thrown out of sys.modules, and was put back.\n" in text


def test_a_failing_teardown_is_told_as_well(guarded: Guarded) -> None:
    """Where a fixture's finalizer fails in the same teardown, both are told."""
    guarded.suite.tests(
        """
        import sys

        import pytest

        @pytest.fixture
        def failing():
            yield
            raise ValueError("of its own")

        def test_evicts(plainpkg, failing):
            del sys.modules["plainpkg"]
        """
    )
    text = guarded.run("error").stdout.str()
    assert "ValueError: of its own" in text
    assert "'plainpkg' was thrown out of sys.modules, and was put back.\n" in text
