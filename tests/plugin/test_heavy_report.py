"""The setting heavy_report and the flag --heavy-report: the section at the end, and files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from ..support.suite import Suite, section, usage_errors

if TYPE_CHECKING:
    from ..support.installed import Installed

COST = r" +\d+\.\d\d s +\d+ % +[+-]\d+ MiB  "


def test_imports_are_told_with_cost_and_place(suite: Suite) -> None:
    """The section has a line for each heavy module: seconds, memory, and who asked first."""
    suite.declare("slow = sluggish", "counted")
    suite.tests("def test_one(slow): pass\ndef test_two(slow, counted): pass\ndef test_three(counted): pass\n")
    lines = section(suite.run())
    assert len(lines) == 2
    assert re.fullmatch(rf"sluggish{COST}first: test_it\.py::test_one \(setup of fixture 'slow'\)", lines[0])
    assert re.fullmatch(rf"counted {COST}first: test_it\.py::test_two \(setup of fixture 'counted'\)", lines[1])
    seconds = re.search(r"(\d+\.\d\d) s", lines[0])
    assert seconds
    assert float(seconds[1]) >= 0.3


def test_import_statements_are_told_with_their_file(suite: Suite) -> None:
    """What a test file imports at its top is told as the collection of that file."""
    suite.declare("counted")
    suite.tests("def test_it(): pass\n", "test_a.py")
    suite.tests("import counted\n\ndef test_it(): pass\n", "test_b.py")
    (line,) = section(suite.run())
    assert re.fullmatch(r"counted +first: test_b\.py \(collection\)", line)


def test_failures_are_told(suite: Suite) -> None:
    """A module that broke is told once, with its error."""
    suite.declare("halfway")
    suite.tests("def test_one(halfway): pass\ndef test_two(halfway): pass\n")
    (line,) = section(suite.run())
    assert line.startswith("halfway")
    assert "first: test_it.py::test_one (setup of fixture 'halfway'); failed: OSError" in line


def test_nothing_heavy_no_section(suite: Suite) -> None:
    """A run that imports nothing heavy has the output that it always had, unless it lacked something."""
    suite.declare("counted", "ghost")
    suite.tests("def test_it(): pass\n")
    result = suite.run()
    assert section(result) == []
    assert "heavy imports" not in result.stdout.str()
    suite.tests("def test_missing(ghost): pass\n", "test_missing.py")
    (line,) = section(suite.run())
    assert line.startswith("1 test skipped: could not import 'ghost': ")


def test_off_silences_it(suite: Suite) -> None:
    """With ``heavy_report = off`` there is no section."""
    suite.declare("counted", heavy_report="off")
    suite.tests("def test_it(counted): pass\n")
    result = suite.run()
    result.assert_outcomes(passed=1)
    assert "heavy imports" not in result.stdout.str()


def test_on_is_the_default(suite: Suite) -> None:
    """``heavy_report = on`` says what is so anyway."""
    suite.declare("counted", heavy_report="on")
    suite.tests("def test_it(counted): pass\n")
    assert len(section(suite.run())) == 1


@pytest.mark.parametrize("value", ["loud", "5"])
def test_another_value_is_refused(suite: Suite, value: str) -> None:
    """A value that is none is a usage error."""
    suite.declare(heavy_report=value)
    assert usage_errors(suite.run_inside()) == [f"heavy_report: {value!r} is none of on, off (pytest.ini, [pytest])."]


FILES = ("x.json", "x.html", "x.speedscope.json", "deep/x.importtime.txt")
STEMS = [f"--heavy-report={file}" for file in FILES]
RUN_INSIDE_OF_NO_TEST = {"PYTEST_CURRENT_TEST": ""}


def _read(suite: Suite, file: str = "x.json") -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((suite.path / file).read_text(encoding="utf-8"))
    return facts


def _properties(suite: Suite) -> dict[str, str]:
    """Of the suite, in JUnit's file."""
    tree = ElementTree.parse(suite.path / "x.xml")
    return {each.attrib["name"]: each.attrib["value"] for each in tree.iterfind("testsuite/properties/property")}


def test_files_are_written_by_their_suffixes(suite: Suite) -> None:
    """All formats, from one run, with the same figures; directories are made."""
    suite.declare("slow = sluggish")
    suite.tests("def test_one(slow): pass\n")
    result = suite.run(*STEMS)
    assert result.ret == 0
    assert section(result)[-4:] == [f"written: {file}" for file in FILES]
    facts = _read(suite)
    [module] = facts["modules"]
    assert module["fullname"] == "sluggish"
    assert 300_000 < module["cumulative_us"] < 5_000_000
    assert module["first"]["text"] == "test_it.py::test_one (setup of fixture 'slow')"
    [process] = facts["processes"]
    assert [test["phase"] for test in process["tests"]] == ["setup", "call", "teardown"]
    assert (
        process["tests"][0]["begin_us"] <= process["tree"][module["numbers"][0]]["begin_us"] <= process["duration_us"]
    )
    figures = f"{module['cumulative_us']:10d} | sluggish"
    assert figures in (suite.path / "deep/x.importtime.txt").read_text(encoding="utf-8")
    assert "sluggish" in (suite.path / "x.speedscope.json").read_text(encoding="utf-8")
    page = (suite.path / "x.html").read_text(encoding="utf-8")
    assert (
        json.loads(page.partition('id="report">')[2].partition("</script>")[0])["modules"][0]["fullname"] == "sluggish"
    )


def test_import_statements_are_measured_too(suite: Suite) -> None:
    """With nothing declared and no guard: the whole tree, and what is heavy in it has the line that imports it."""
    suite.write("app/__init__.py", "")
    suite.write("app/model.py", "import numpy\n")
    suite.tests("import app.model\n\ndef test_one(): pass\n")
    result = suite.run("--heavy-report=x.json", path=(suite.path,))
    assert result.ret == 0
    [numpy] = _read(suite)["modules"]
    assert numpy["first"]["text"] == "app/model.py:1, in test_it.py (collection)"
    assert numpy["chain"] == ["test_it", "app.model"]
    assert "first: app/model.py:1, in test_it.py (collection), by app.model" in section(result)[0]


def test_another_suffix_is_a_usage_error(suite: Suite) -> None:
    """Before anything is collected."""
    assert usage_errors(suite.run("--heavy-report=x.xml", "--heavy-report=x.json")) == [
        "--heavy-report: 'x.xml' ends in none of .speedscope.json, .json, .html, .importtime.txt."
    ]


def test_a_file_that_cannot_be_written_fails_the_run(suite: Suite) -> None:
    """It is told, with the section switched off too, and the others are written."""
    suite.write("taken", "")
    suite.tests("def test_one(): pass\n")
    result = suite.run("--heavy-report=taken/x.json", "--heavy-report=x.json", "-o", "heavy_report=off")
    assert result.ret == 1
    assert section(result)[0] == "written: x.json"
    assert section(result)[1].startswith("--heavy-report: [Errno ")
    assert _read(suite)["version"] == 1


def test_quiet_and_verbose(suite: Suite) -> None:
    """-q has a short line for each import, -v the parts of each, -qq and --no-summary nothing."""
    suite.declare("slow = sluggish", "counted", heavy_guard="restore", heavy_protect="sluggish")
    suite.tests("def test_one(slow, counted): pass\n")
    lines = _imported(suite.run("-q"))
    assert [re.sub(r"\d", "0", line) for line in lines] == [
        "imported: sluggish 0.00 s, first: test_it.py::test_one (setup of fixture 'slow')",
        "imported: counted 0.00 s, first: test_it.py::test_one (setup of fixture 'counted')",
    ]
    assert any(re.fullmatch(r"    sluggish itself +\d\.\d\d s .*MiB", line) for line in section(suite.run("-v")))
    assert section(suite.run("-qq")) == section(suite.run("--no-summary")) == []


def test_collection_is_told_without_the_imports_in_it(suite: Suite) -> None:
    """How long it took, and would take without them."""
    suite.declare("sluggish")
    suite.tests("import sluggish\n\ndef test_one(): pass\n")
    line = section(suite.run("--heavy-report=x.json"))[1]
    match = re.fullmatch(r"collection took (\d+\.\d\d) s, (\d+\.\d\d) s without these imports", line)
    assert match is not None
    assert float(match[1]) - float(match[2]) >= 0.29


def test_junit_has_the_totals(suite: Suite) -> None:
    """As properties of the suite."""
    suite.declare("slow = sluggish")
    suite.tests("def test_one(slow): pass\n")
    suite.run("--junitxml=x.xml")
    found = _properties(suite)
    assert 0.3 < float(found["heavyimports.sluggish.seconds"]) < 5
    assert found["heavyimports.total.seconds"] == found["heavyimports.sluggish.seconds"]
    assert found["heavyimports.guard.events"] == "0"


def test_an_import_inside_another_one_is_counted_once(suite: Suite) -> None:
    """Of what the guard has recorded too: neither the hint nor the total of JUnit's file has its seconds twice."""
    suite.write("slower.py", "import time\nimport sluggish\ntime.sleep(0.5)\n")
    suite.declare("sluggish", "slower", heavy_guard="restore", heavy_protect="sluggish")
    suite.tests("def test_one(slower): pass\ndef test_two(): pass\n")
    result = suite.run("--junitxml=x.xml", path=(suite.path,))
    found = _properties(suite)
    outer, inner = float(found["heavyimports.slower.seconds"]), float(found["heavyimports.sluggish.seconds"])
    assert outer - inner > 0.4
    told = re.search(r"hint: .* would have skipped sluggish, slower, (\d+\.\d\d) s: ", result.stdout.str())
    assert told is not None
    for total in (float(told[1]), float(found["heavyimports.total.seconds"])):
        assert total == pytest.approx(outer, abs=0.01)


def test_github_has_a_table(suite: Suite) -> None:
    """Where its variable is set, something heavy was imported and the report is on; not of a run inside of a test."""
    suite.declare("slow = sluggish")
    suite.tests("def test_one(slow): pass\n")
    summary = suite.write("summary.md", "what others wrote\n")
    github = {"GITHUB_STEP_SUMMARY": str(summary)}
    suite.run(**github)
    suite.run("-o", "heavy_report=off", **github, **RUN_INSIDE_OF_NO_TEST)
    suite.run("--deselect=test_it.py::test_one", **github, **RUN_INSIDE_OF_NO_TEST)
    assert summary.read_text(encoding="utf-8") == "what others wrote\n"
    suite.run(**github, **RUN_INSIDE_OF_NO_TEST)
    lines = summary.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "what others wrote"
    assert any(line.startswith("| `sluggish` | ") for line in lines)


def test_workers_are_merged(suite: Suite) -> None:
    """The controller tells what each worker has imported, and what the guard did there."""
    suite.declare("slow = sluggish", heavy_guard="restore", heavy_protect="sluggish")
    suite.tests(
        """
        import importlib, sys
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_one(slow, number):
            importlib.reload(slow)
        """
    )
    result = suite.run("-p", "xdist", "-n", "2", "--heavy-report=x.json", "-W", "ignore")
    result.assert_outcomes(passed=8)
    lines = section(result)
    assert re.search(r"first: gw\d, test_it\.py::test_one\[\d\] \(setup of fixture 'slow'\); in 2 processes$", lines[0])
    reloads = [line for line in lines if line.endswith("(call): reload of sluggish: ignored")]
    assert len(reloads) == 8
    facts = _read(suite)
    assert [process["name"] for process in facts["processes"]] == ["controller", "gw0", "gw1"]
    assert sum(len(process["tests"]) for process in facts["processes"]) == 24
    [merged] = [node for node in facts["tree"] if node["fullname"] == "sluggish"]
    assert merged["loads"] == 2
    assert merged["cumulative_us"] == sum(
        node["cumulative_us"]
        for process in facts["processes"]
        for node in process["tree"]
        if node["fullname"] == "sluggish"
    )


def test_a_worker_that_dies_is_told_and_what_it_said_is_kept(suite: Suite) -> None:
    """Its imports before the test in which it died are in the report."""
    suite.declare("slow = sluggish")
    suite.tests(
        """
        import os

        def test_one(slow): pass
        def test_two(slow): os._exit(7)
        """
    )
    result = suite.run("-p", "xdist", "-n", "1", "--heavy-report=x.json", "--max-worker-restart=0")
    assert result.ret == 1
    lines = section(result)
    assert re.search(r"^sluggish .*first: gw0, test_it\.py::test_one \(setup of fixture 'slow'\)", lines[0])
    assert any(line.startswith("gw0 died (Not properly terminated): ") for line in lines)
    [_, worker] = _read(suite)["processes"]
    assert worker["died"] == "Not properly terminated"
    assert "sluggish" in [node["fullname"] for node in worker["tree"]]
    assert [test["nodeid"] for test in worker["tests"]][-1] == "test_it.py::test_two"


def test_nothing_is_measured_unless_somebody_asks(suite: Suite) -> None:
    """Without guard, report and budget the import system is as it was."""
    suite.declare("plain")
    suite.tests(
        """
        import sys

        def test_one(plain):
            assert not [name for name in sys.modules if name.startswith("pytest_heavyimports.imports.measuring")]
            assert not [finder for finder in sys.meta_path if type(finder).__name__ == "MeasuringFinder"]
        """
    )
    suite.run().assert_outcomes(passed=1)
    suite.run("--heavy-report=x.json").assert_outcomes(failed=1)


@pytest.mark.parametrize("guard", ["off", "restore"])
def test_quiet_leaves_out_what_came_with_another_one(suite: Suite, installed: Installed, guard: str) -> None:
    """With a file, for which all is measured, and without one."""
    installed.add("outer", "1.0", {"outer/__init__.py": "from . import a\nimport inner\nfrom . import b\n"})
    installed.add("parts", "1.0", {f"outer/{name}.py": "" for name in ("a", "b", "later")})
    installed.add("inner", "1.0", {"inner.py": ""})
    suite.declare("outer", "inner", heavy_guard=guard)
    suite.tests("def test_one():\n    import outer\n\ndef test_two():\n    import outer.later\n")
    for flags in ([], ["--heavy-report=x.json"]):
        (line,) = _imported(suite.run("-q", *flags, path=(installed.site,), **installed.environment))
        assert line.startswith("imported: outer")
        assert "first: test_it.py:2, in test_it.py::test_one (call)" in line or (guard == "off" and not flags)


def _imported(result: pytest.RunResult) -> list[str]:
    return [line for line in section(result) if line.startswith("imported: ")]


@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ("import counted\n", ""),
        ("import counted\n", "--heavy-guard=restore"),
        ("import counted\n", "--heavy-defer"),
        ("from counted import Thing\n", "-p xdist -n 1"),
        ("import harvest_parts\n", ""),
        ("def pytest_configure():\n    import counted\n", ""),
        ("def pytest_sessionstart():\n    import counted\n", ""),
    ],
)
def test_a_plugin_is_named(suite: Suite, installed: Installed, text: str, modes: str) -> None:
    """One that is installed and imports a declared module, in whatever way; nobody else is."""
    files = {"harvest.py": text, "harvest_parts.py": "from counted import greet\n", "innocent.py": ""}
    entry_points = "[pytest11]\nyield-of-harvest = harvest\ninnocent = innocent\n"
    installed.add("harvest", "1.0", files, entry_points)
    suite.declare("counted")
    suite.write("conftest.py", "")
    suite.tests("def test_one(): pass\n")
    result = suite.run(*modes.split(), autoload=True, path=(installed.site,), **installed.environment)
    (line,) = [line for line in section(result) if line.startswith("counted")]
    assert "harvest" in line
    assert "innocent" not in line
    assert "conftest" not in line


def test_a_conftest_file_is_named(suite: Suite) -> None:
    """By its path."""
    suite.declare("slow = sluggish")
    suite.write("conftest.py", "import sluggish\n")
    suite.tests("def test_one(): pass\n")
    (line,) = section(suite.run())
    assert line.endswith("first: conftest.py")


@pytest.mark.parametrize("mode", ["", "-p xdist -n 1", "--heavy-isolate"])
def test_tests_that_freeze_the_time_have_their_times(suite: Suite, mode: str) -> None:
    """As a fixture does that replaces the functions of ``time``, and those that pytest has taken of it."""
    suite.tests(
        """
        import time

        import pytest

        sleep = time.sleep

        @pytest.fixture
        def frozen(monkeypatch):
            import _pytest.timing

            for module in (time, _pytest.timing):
                for name in ("time", "perf_counter"):
                    monkeypatch.setattr(module, name, lambda: 1e9)

        def test_one(frozen):
            sleep(0.05)
        """
    )
    suite.run("--heavy-report=x.json", *mode.split())
    phases = [phase for process in _read(suite)["processes"] for phase in process["tests"]]
    (call,) = [phase for phase in phases if phase["phase"] == "call"]
    assert 50_000 <= call["end_us"] - call["begin_us"] < 5_000_000
    assert 0 < call["begin_us"] < 60_000_000
