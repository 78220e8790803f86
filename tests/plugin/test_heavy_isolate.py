"""The flag ``--heavy-isolate``: what is told of a test is what would be told without it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ..support.suite import usage_errors

if TYPE_CHECKING:
    from ..support.suite import Suite

RECORDER = """
    import json
    import os

    import pytest

    PARENT = 0 if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()

    def tell(kind, **facts):
        with open(os.environ["TOLD"], "a", encoding="utf-8") as file:
            file.write(json.dumps([kind, os.getpid() == PARENT, facts], default=repr) + "\\n")

    def pytest_runtest_logstart(nodeid, location):
        tell("start", nodeid=nodeid, location=location)

    def pytest_runtest_logfinish(nodeid, location):
        tell("finish", nodeid=nodeid, location=location)

    def pytest_warning_recorded(warning_message, when, nodeid, location):
        tell("warning", text=str(warning_message.message), category=warning_message.category.__name__,
             file=warning_message.filename, line=warning_message.lineno, when=when, nodeid=nodeid)

    def pytest_runtest_logreport(report):
        tell("report", nodeid=report.nodeid, when=report.when, outcome=report.outcome, location=report.location,
             text=report.longreprtext, sections=report.sections, properties=report.user_properties,
             keywords=sorted(report.keywords), xfail=getattr(report, "wasxfail", None), duration=report.duration >= 0)
"""

ALL_KINDS = """
    import logging
    import sys
    import unittest
    import warnings

    import pytest

    def test_passes():
        print("out")
        print("err", file=sys.stderr)
        logging.getLogger().warning("log")

    def test_fails():
        print("before")
        assert [1, 2] == [1, 3], "they differ"

    def test_raises_from():
        try:
            {}["key"]
        except KeyError as error:
            raise ValueError("chained") from error

    @pytest.mark.skip(reason="marked")
    def test_skipped_by_mark():
        pass

    def test_skips():
        pytest.skip("in the test")

    @pytest.mark.xfail(reason="known")
    def test_xfails():
        assert 0

    @pytest.mark.xfail(reason="unknown")
    def test_xpasses():
        pass

    def test_xfails_inside():
        pytest.xfail("inside")

    @pytest.fixture
    def broken():
        raise OSError("setup")

    def test_with_broken_setup(broken):
        pass

    @pytest.fixture
    def breaking():
        yield
        print("in the teardown")
        raise OSError("teardown")

    def test_with_broken_teardown(breaking):
        pass

    def test_warns():
        warnings.warn("careful", DeprecationWarning)

    def test_properties(record_property):
        record_property("number", 3)
        record_property("nested", {"a": (1, 2.5, None, b"bytes")})

    @pytest.mark.parametrize("text", ["a::b", "\\x00", "\\udcff", "é"])
    def test_parameters(text):
        pass

    def test_surrogate():
        assert "\\udcff" == "b"

    class TestUnit(unittest.TestCase):
        def test_it(self):
            self.assertEqual(1, 2)

    class TestClass:
        def test_a(self, tmp_path, capsys, monkeypatch):
            print("captured")
            assert capsys.readouterr().out == "captured\\n"
            tmp_path.joinpath("file").write_text("text")

    def test_exits():
        sys.exit(3)
"""


def told(suite: Suite, *args: str) -> tuple[pytest.RunResult, list[Any]]:
    """What the plugins of the process that runs pytest are told."""
    file = suite.path / "told.jsonl"
    file.unlink(missing_ok=True)
    result = suite.run(*args, TOLD=str(file), PYTHONIOENCODING="utf-8:backslashreplace")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return result, lines


@pytest.mark.parametrize("capture", ["fd", "sys", "no"])
def test_everything_is_told_as_without_it(suite: Suite, capture: str) -> None:
    """Each report, warning, start and finish, once, in the process that runs pytest, and in the same order."""
    suite.write("conftest.py", RECORDER)
    suite.tests(ALL_KINDS)
    without, plain = told(suite, f"--capture={capture}")
    isolated, same = told(suite, f"--capture={capture}", "--heavy-isolate")
    assert same == plain
    assert isolated.parseoutcomes() == without.parseoutcomes()
    assert isolated.ret == without.ret


def test_each_test_has_a_process(suite: Suite) -> None:
    """What one test leaves behind, no other one sees."""
    suite.tests(
        """
        import os
        import sys

        import pytest

        PARENT = os.getpid()
        left = []

        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            assert os.getpid() != PARENT
            assert left == [] and "LEFT" not in os.environ and "left" not in sys.modules
            left.append(number)
            os.environ["LEFT"] = "here"
            sys.modules["left"] = sys
        """
    )
    suite.run("--heavy-isolate").assert_outcomes(passed=3)


def test_subtests(suite: Suite) -> None:
    """Each is told, and a test fails with them."""
    if not hasattr(pytest, "SubtestReport"):
        pytest.skip("this pytest has no subtests")
    suite.write("conftest.py", RECORDER)
    suite.tests(
        """
        import pytest

        def test_it(subtests):
            for number in range(4):
                with subtests.test(f"number {number}"):
                    assert number % 2

        def test_other(subtests):
            with subtests.test("fine"):
                pass
        """
    )
    without, _ = told(suite)
    isolated, _ = told(suite, "--heavy-isolate")
    assert isolated.parseoutcomes() == without.parseoutcomes()
    assert sorted(_summary(isolated)) == sorted(_summary(without))


def _summary(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith(("FAILED", "SUBFAILED"))]


def test_a_value_that_cannot_be_sent(suite: Suite) -> None:
    """Its repr stands in for it, and a warning says so, once."""
    suite.tests(
        """
        import enum

        class Thing:
            def __repr__(self):
                return "<a thing>"

        class Unwilling:
            def __repr__(self):
                raise ValueError

        class Color(str, enum.Enum):
            RED = "red"

        def test_it(record_property):
            record_property("thing", Thing())
            record_property("color", Color.RED)
            record_property("unwilling", [Unwilling()])
        """
    )
    suite.write(
        "conftest.py",
        """
        def pytest_runtest_logreport(report):
            if report.when == "call":
                print("properties:", report.user_properties)
        """,
    )
    result = suite.run("--heavy-isolate", "-s")
    shown = "<Unwilling, whose repr raises ValueError>"
    assert f"properties: [('thing', '<a thing>'), ('color', 'red'), ('unwilling', ['{shown}'])]" in result.stdout.str()
    text = (
        "test_it.py::test_it: a value can't be sent from the process of an isolated test, and its repr stands in for it"
    )
    warned = [line.strip() for line in result.outlines if "HeavyImportWarning" in line]
    assert [line.partition("Warning: ")[2] for line in warned] == [
        f"{text}: user_properties: <a thing>",
        f"{text}: user_properties: {shown}",
    ]


def test_exitfirst_and_maxfail(suite: Suite) -> None:
    """The run stops where it would."""
    suite.tests("\n".join(f"def test_{number}(): assert {number} not in (1, 3)" for number in range(6)))
    assert suite.run("--heavy-isolate", "-x").parseoutcomes() == {"failed": 1, "passed": 1}
    assert suite.run("--heavy-isolate", "--maxfail=2").parseoutcomes() == {"failed": 2, "passed": 2}


def test_last_failed(suite: Suite) -> None:
    """A test that has died is one that has failed."""
    suite.tests("import os\n\ndef test_dies(): os._exit(0)\n\ndef test_fails(): assert 0\n\ndef test_passes(): pass\n")
    suite.run("--heavy-isolate", has_cache=True).assert_outcomes(failed=2, passed=1)
    suite.run("--heavy-isolate", "--lf", has_cache=True).assert_outcomes(failed=2)


def test_a_debugger_turns_it_off(suite: Suite) -> None:
    """A word says so."""
    suite.tests("import os\n\nPARENT = os.getpid()\n\ndef test_it(): assert os.getpid() == PARENT\n")
    result = suite.run("--heavy-isolate", "--pdb")
    result.assert_outcomes(passed=1)
    assert "heavy_isolated: no test is isolated, because of --pdb or --trace" in result.outlines


def test_exit_from_inside(suite: Suite) -> None:
    """``pytest.exit`` ends the run with its reason and status."""
    suite.tests("import pytest\n\ndef test_a(): pytest.exit('enough', 5)\n\ndef test_b(): pass\n")
    result = suite.run("--heavy-isolate")
    assert result.ret == 5
    result.stdout.fnmatch_lines(["*Exit: enough*"])


def test_shouldstop_from_inside(suite: Suite) -> None:
    """A test that asks the session to stop is heard."""
    suite.tests("def test_a(request): request.session.shouldstop = 'enough'\n\ndef test_b(): pass\n")
    result = suite.run("--heavy-isolate")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*Interrupted: enough*"])


def test_what_comes_between_is_torn_down(suite: Suite) -> None:
    """A fixture of a file is torn down here although the last test of the file runs elsewhere; its error is told."""
    suite.tests(
        """
        import pytest

        @pytest.fixture(scope="module")
        def shared():
            yield
            raise OSError("teardown of the file")

        def test_here(shared):
            pass

        @pytest.mark.heavy_isolated
        def test_there():
            pass
        """,
        "test_a.py",
    )
    suite.tests("def test_it(): pass\n", "test_b.py")
    result = suite.run()
    result.assert_outcomes(passed=3, errors=1)
    assert "ERROR test_a.py::test_there - OSError: teardown of the file" in result.outlines


def test_under_xdist(suite: Suite) -> None:
    """Each worker has a template of its own; the controller is told everything once."""
    suite.tests(ALL_KINDS)
    suite.write("conftest.py", RECORDER)
    sendable = ("-k", "not surrogate and not parameters")  # by pytest-xdist itself
    without, plain = told(suite, *sendable)
    result, same = told(suite, *sendable, "--heavy-isolate", "-p", "xdist", "-n", "2")
    assert {**result.parseoutcomes(), "deselected": 5} == without.parseoutcomes()
    assert _reports(same) == _reports(plain)


def _reports(lines: list[Any]) -> list[tuple[str, ...]]:
    """What the process that runs pytest was told of outcomes, in no order."""
    told = (facts for kind, is_controller, facts in lines if kind == "report" and is_controller)
    return sorted((facts["nodeid"], facts["when"], facts["outcome"]) for facts in told)


def test_nothing_is_left(suite: Suite) -> None:
    """Temporary directories are numbered in the session's own, and none is left beside it."""
    suite.tests(
        """
        import pytest

        @pytest.mark.parametrize("number", range(3))
        def test_it(tmp_path, number):
            print(tmp_path)
        """
    )
    base = suite.path / "base"
    suite.run("--heavy-isolate", f"--basetemp={base}").assert_outcomes(passed=3)
    assert sorted(each.name for each in base.iterdir() if each.is_dir() and not each.is_symlink()) == [
        "test_it_0_0",
        "test_it_1_0",
        "test_it_2_0",
    ]


def test_the_timeout_must_be_a_number(suite: Suite) -> None:
    """Seconds, more than none."""
    suite.declare(heavy_isolate_timeout="soon")
    suite.tests("def test_it(): pass\n")
    assert usage_errors(suite.run("--heavy-isolate")) == [
        "heavy_isolate_timeout: 'soon' is no number of seconds (pytest.ini, [pytest])."
    ]
