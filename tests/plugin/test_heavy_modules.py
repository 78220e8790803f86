"""The ini key heavy_modules, in each kind of configuration file, and the other sources of declarations."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from pytest_heavyimports.config.declarations import RESERVED
from pytest_heavyimports.config.sources import UNNAMED_CACHE_KEY

from ..support.installed import Installed
from ..support.suite import Suite, usage_errors

PYTEST_9 = pytest.version_tuple >= (9,)
needs_pytest_9 = pytest.mark.skipif(not PYTEST_9, reason="pytest reads native TOML from version 9 on")
WITHOUT_OTHERS = ("-p", "no:randomly", "-p", "no:xdist", "-p", "no:timeout", "-p", "no:hypothesispytest")


def _ini(table: str) -> Callable[[Sequence[str]], str]:
    return lambda lines: "\n".join([f"[{table}]", "heavy_modules =", *(f"    {line}" for line in lines), ""])


def _toml(table: str) -> Callable[[Sequence[str]], str]:
    return lambda lines: "\n".join([f"[{table}]", "heavy_modules = [", *(f'    "{line}",' for line in lines), "]", ""])


KINDS = [
    pytest.param("pytest.ini", "pytest", _ini, id="pytest.ini"),
    pytest.param(".pytest.ini", "pytest", _ini, id=".pytest.ini"),
    pytest.param("tox.ini", "pytest", _ini, id="tox.ini"),
    pytest.param("setup.cfg", "tool:pytest", _ini, id="setup.cfg"),
    pytest.param("pyproject.toml", "tool.pytest.ini_options", _toml, id="ini_options"),
    pytest.param("pyproject.toml", "tool.pytest", _toml, id="tool.pytest", marks=needs_pytest_9),
    pytest.param("pytest.toml", "pytest", _toml, id="pytest.toml", marks=needs_pytest_9),
    pytest.param(".pytest.toml", "pytest", _toml, id=".pytest.toml", marks=needs_pytest_9),
]
Writer = Callable[[str], Callable[[Sequence[str]], str]]

ANSWERS = """
def test_answers(counted, g, answer, cv):
    assert counted.answer == answer == 42
    assert g is counted.greet
    assert cv.__name__ == "counted.part"
"""


@pytest.mark.parametrize(("file", "table", "writer"), KINDS)
def test_each_kind_of_file_declares(suite: Suite, file: str, table: str, writer: Writer) -> None:
    """Every place where pytest reads configuration takes the same lines."""
    lines = ["counted >= 1.5", "g = counted:greet", "counted:answer", "cv=counted.part"]
    suite.write(file, writer(table)(lines))
    suite.tests(ANSWERS)
    result = suite.run("--strict-config", "-W", "error")
    result.assert_outcomes(passed=1)
    assert suite.executions() == {"counted": 1, "counted.part": 1}


@pytest.mark.parametrize(("file", "table", "writer"), KINDS)
def test_faults_name_file_table_and_line(suite: Suite, file: str, table: str, writer: Writer) -> None:
    """A line that can't be read ends the run before collection, told with its place."""
    suite.write(file, writer(table)(["counted", "torch >> 2"]))
    suite.tests("raise AssertionError('collected')")
    assert usage_errors(suite.run_inside()) == [
        f"heavy_modules: 'torch >> 2' can't be read: '>> 2' is no version specifier "
        f"({file}, [{table}], line 2 of heavy_modules). Write it as 'torch >= 2'."
    ]


def test_a_file_named_on_the_command_line_is_told(suite: Suite) -> None:
    """``-c`` is a place of configuration like the others."""
    suite.write("ci/strict.ini", "[pytest]\nheavy_modules = torch >> 2\n")
    (line,) = usage_errors(suite.run_inside("-c", "ci/strict.ini"))
    assert "(ci/strict.ini, [pytest], line 1 of heavy_modules)" in line


def test_toml_with_one_text_of_several_lines(suite: Suite) -> None:
    """``[tool.pytest.ini_options]`` takes a text of lines, as for pytest's own line lists."""
    suite.write(
        "pyproject.toml", '[tool.pytest.ini_options]\nheavy_modules = """\ncounted\n\n  g = counted:greet\n"""\n'
    )
    suite.tests("def test_it(counted, g):\n    assert g is counted.greet\n")
    suite.run().assert_outcomes(passed=1)


def test_all_faults_are_told_at_once(suite: Suite) -> None:
    """Nobody has to run pytest once for each fault; faults of other settings are among them."""
    suite.declare(
        "torch >> 2",
        "counted",
        "my-np = numpy",
        "tmp_path = counted",
        "counted = sluggish",
        heavy_missing="maybe",
    )
    where = "pytest.ini, [pytest]"
    assert usage_errors(suite.run_inside()) == [
        f"heavy_missing: 'maybe' is none of skip, fail ({where}).",
        f"heavy_modules: 'torch >> 2' can't be read: '>> 2' is no version specifier ({where}, line 1 of "
        "heavy_modules). Write it as 'torch >= 2'.",
        f"heavy_modules: 'my-np = numpy' can't be read: 'my-np' can't be the name of a fixture ({where}, line 3 of "
        "heavy_modules). Write it as 'my_np = numpy'.",
        f"heavy_modules: 'tmp_path = counted' ({where}, line 4 of heavy_modules) would hide the fixture 'tmp_path'. "
        "Write it as 'heavy_tmp_path = counted'.",
        f"heavy_modules: 'counted' is given twice: 'counted' ({where}, line 2 of heavy_modules) and "
        f"'counted = sluggish' ({where}, line 5 of heavy_modules). Give one of them another alias.",
    ]


@needs_pytest_9
@pytest.mark.parametrize(("file", "table"), [("pyproject.toml", "tool.pytest"), ("pytest.toml", "pytest")])
@pytest.mark.parametrize("value", ["5", "true", '"counted"', "[1]"])
def test_native_toml_of_a_wrong_type_is_a_fault(suite: Suite, file: str, table: str, value: str) -> None:
    """A value that is no list of texts is told with file and table, not as an internal error."""
    suite.write(file, f"[{table}]\nheavy_modules = {value}\n")
    (line,) = usage_errors(suite.run_inside())
    assert line.startswith("heavy_modules: ")
    assert f"({file}, [{table}])." in line
    assert "list" in line


@pytest.mark.parametrize("value", ["pause", "5"])
@pytest.mark.parametrize("key", ["heavy_missing", "heavy_guard", "heavy_report"])
def test_a_setting_with_a_wrong_value_is_a_fault(suite: Suite, key: str, value: str) -> None:
    """A value that is none of those that are possible is told with the possible ones."""
    suite.declare(**{key: value})
    (line,) = usage_errors(suite.run_inside())
    assert line.startswith(f"{key}: {value!r} is none of ")
    assert line.endswith(" (pytest.ini, [pytest]).")


def test_the_command_line_declares(suite: Suite) -> None:
    """``-o heavy_modules=…`` goes before the file, and a fault in it is told to come from there."""
    suite.declare("torch >> 2")
    suite.tests("def test_it(counted):\n    assert counted.answer == 42\n")
    suite.run("-o", "heavy_modules=counted").assert_outcomes(passed=1)
    assert usage_errors(suite.run_inside("-o", "heavy_modules=torch >> 3")) == [
        "heavy_modules: 'torch >> 3' can't be read: '>> 3' is no version specifier "
        "(command line, -o, line 1 of heavy_modules). Write it as 'torch >= 3'."
    ]


def test_a_conftest_declares_by_hook(suite: Suite) -> None:
    """What ``pytest_heavy_modules`` gives is declared beside what the file has."""
    suite.declare("counted")
    suite.write(
        "conftest.py",
        """
        def pytest_heavy_modules(config):
            yield "g = counted:greet"
            yield "piece = counted.part:piece"
        """,
    )
    suite.tests("def test_it(counted, g, piece):\n    assert (g('you'), piece) == ('hello you', 'a piece')\n")
    suite.run("-W", "error").assert_outcomes(passed=1)


def test_faults_of_a_hook_name_its_file(suite: Suite) -> None:
    """A line that a conftest gives is told with the conftest's path and its number; what is no text, too."""
    suite.write("conftest.py", "def pytest_heavy_modules(config):\n    return ['counted', 'torch >> 2', 5]\n")
    suite.tests("raise AssertionError('collected')")
    assert sorted(usage_errors(suite.run_inside())) == [
        "heavy_modules: 'torch >> 2' can't be read: '>> 2' is no version specifier "
        "(conftest.py, line 2 of pytest_heavy_modules). Write it as 'torch >= 2'.",
        "heavy_modules: 5 is no text (conftest.py, pytest_heavy_modules).",
    ]


def test_a_hook_that_gives_one_text(suite: Suite) -> None:
    """A text in place of a list of texts is one line, not one for each character."""
    suite.write("conftest.py", "def pytest_heavy_modules(config):\n    return 'counted'\n")
    suite.tests("def test_it(counted):\n    assert counted.answer == 42\n")
    suite.run().assert_outcomes(passed=1)


def test_a_plugin_declares_by_hook(suite: Suite) -> None:
    """A plugin that isn't a conftest is told by its name."""
    suite.write("my_plugin.py", "def pytest_heavy_modules():\n    return ['torch >> 2']\n")
    (line,) = usage_errors(suite.run("-p", "my_plugin"))
    assert "(plugin 'my_plugin', line 1 of pytest_heavy_modules)" in line


def test_an_installed_distribution_declares_by_entry_point(suite: Suite, installed: Installed) -> None:
    """The group ``pytest_heavyimports`` of installed distributions is a source with the same grammar."""
    suite.tests("def test_it(plain_answer):\n    assert plain_answer == 42\n")
    result = suite.run(*WITHOUT_OTHERS, autoload=True, path=(installed.site,), **installed.environment)
    result.assert_outcomes(passed=1)


def test_what_is_installed_between_two_runs_declares_in_the_second(suite: Suite, tmp_path: Path) -> None:
    """Though pytest's cache has what was there in the run before; the same for what is taken away again."""
    place = Installed(tmp_path / "base")
    place.add("plainpkg", "1.0", {"plainpkg.py": "answer = 42\n"})
    suite.tests("def test_it(plain_answer):\n    assert plain_answer == 42\n")

    def outcomes() -> dict[str, int]:
        result = suite.run(*WITHOUT_OTHERS, autoload=True, path=(place.site,), has_cache=True, **place.environment)
        return result.parseoutcomes()

    remembered = suite.path / ".pytest_cache" / "v" / UNNAMED_CACHE_KEY
    assert [(outcomes(), remembered.exists()) for _ in range(3)] == [
        ({"errors": 1}, False),  # there is no cache before the first run's end
        ({"errors": 1}, True),
        ({"errors": 1}, True),
    ]
    assert {str(place.site), os.path.dirname(os.__file__)} <= json.loads(remembered.read_text(encoding="utf-8")).keys()
    place.add("declarer", "1.0", {}, entry_points="[pytest_heavyimports]\nplain_answer = plainpkg:answer\n")
    assert outcomes() == {"passed": 1}
    shutil.rmtree(place.site / "declarer-1.0.dist-info")
    assert outcomes() == {"errors": 1}


def test_what_setuptools_writes_into_a_directory_that_is_there_declares(suite: Suite, tmp_path: Path) -> None:
    """``setup.py develop`` writes ``entry_points.txt`` anew, which leaves no trace in the directory around."""
    place = Installed(tmp_path / "base")
    place.add("plainpkg", "1.0", {"plainpkg.py": "answer = 42\n"})
    metadata = place.site / "declarer.egg-info"
    metadata.mkdir()
    (metadata / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: declarer\nVersion: 1.0\n", encoding="utf-8")
    entry_points = metadata / "entry_points.txt"
    entry_points.write_text("[console_scripts]\nplain = plainpkg:main\n", encoding="utf-8")
    suite.tests("def test_it(plain_answer):\n    assert plain_answer == 42\n")
    run = partial(suite.run, *WITHOUT_OTHERS, autoload=True, path=(place.site,), has_cache=True, **place.environment)
    assert [run().parseoutcomes() for _ in range(2)] == [{"errors": 1}] * 2
    entry_points.write_text("[pytest_heavyimports]\nplain_answer = plainpkg:answer\n", encoding="utf-8")
    assert run().parseoutcomes() == {"passed": 1}


def test_faults_of_an_entry_point_name_the_distribution(suite: Suite, installed: Installed) -> None:
    """Two things under one alias are told with the distribution that one of them comes from."""
    suite.declare("plain_answer = counted:answer")
    result = suite.run(*WITHOUT_OTHERS, autoload=True, path=(installed.site,), **installed.environment)
    assert usage_errors(result) == [
        "heavy_modules: 'plain_answer' is given twice: 'plain_answer = counted:answer' "
        "(pytest.ini, [pytest], line 1 of heavy_modules) and 'plain_answer = plainpkg:answer' (distribution "
        "'heavy-declarer', entry point 'plain_answer' of pytest_heavyimports). Give one of them another alias."
    ]


def test_one_thing_may_be_declared_twice(suite: Suite) -> None:
    """The same object under the same alias is one declaration, and its versions must satisfy both."""
    suite.declare("counted >= 1", "counted < 1.2", "counted")
    suite.tests("def test_it(counted):\n    pass\n")
    result = suite.run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * 'counted' is version 1.5, and '>= 1,< 1.2' is needed; *"])


def test_an_alias_that_hides_a_builtin_fixture_is_a_fault(suite: Suite) -> None:
    """Each fixture of pytest, and each of this plugin, is refused as an alias."""
    names = sorted(RESERVED)
    suite.declare(*(f"{name} = counted" for name in names))
    lines = usage_errors(suite.run_inside())
    assert len(lines) == len(names)
    for name, line in zip(names, lines):
        assert f"would hide the fixture {name!r}. Write it as 'heavy_{name} = counted'." in line


@pytest.mark.parametrize("alias", ["self", "cls"])
def test_an_alias_that_methods_have_for_themselves_is_a_fault(suite: Suite, alias: str) -> None:
    """A test in a class could never ask for it, however it came to be the alias; by its name the module can be had."""
    suite.write(f"package/{alias}.py", "answer = 42\n")
    suite.write("package/__init__.py", "")
    suite.declare(f"{alias} = counted", f"package.{alias} >= 1")
    where = "pytest.ini, [pytest], line"
    assert usage_errors(suite.run_inside()) == [
        f"heavy_modules: '{alias} = counted' ({where} 1 of heavy_modules) would be asked for as '{alias}', which is "
        f"the object or class in a method. Write it as 'heavy_{alias} = counted'.",
        f"heavy_modules: 'package.{alias} >= 1' ({where} 2 of heavy_modules) would be asked for as '{alias}', which is "
        f"the object or class in a method. Write it as 'heavy_{alias} = package.{alias}'.",
    ]
    suite.declare(f"heavy_{alias} = counted")
    suite.tests(
        f"""
        class TestIt:
            def test_it(self, heavy_{alias}, heavy_module):
                assert heavy_{alias}.answer == heavy_module("package.{alias}").answer == 42
        """
    )
    suite.run("-o", "pythonpath=.").assert_outcomes(passed=1)


LATE = (
    "pytest_heavy_modules of sub/conftest.py was not asked, since pytest read it while collecting. Move it to the "
    "conftest.py of the root directory, which is read at start-up."
)


def test_a_hook_that_comes_too_late_is_warned_of(suite: Suite) -> None:
    """A ``conftest.py`` that pytest reads while it collects can't declare anything: a warning at that file says so."""
    suite.write("sub/conftest.py", "def pytest_heavy_modules(config):\n    return ['counted']\n")
    suite.tests("def test_it(): pass\n", "sub/test_it.py")
    result = suite.run()
    result.assert_outcomes(passed=1, warnings=1)
    assert f"  {suite.path}/sub/conftest.py:1: HeavyImportWarning: {LATE}" in result.outlines


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "xdist"])
def test_a_hook_that_comes_too_late_is_an_error_where_warnings_are(suite: Suite, workers: tuple[str, ...]) -> None:
    """With ``-W error`` it is told as a file that can't be collected, and is no internal error."""
    suite.write("sub/conftest.py", "def pytest_heavy_modules(config):\n    return ['counted']\n")
    suite.tests("def test_it(): pass\n", "sub/test_it.py")
    result = suite.run("-W", "error", *workers)
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED)
    assert result.parseoutcomes()["errors"] == 1
    assert LATE in result.outlines
    assert "INTERNALERROR" not in result.stdout.str()


def test_no_builtin_fixture_of_this_pytest_is_forgotten(suite: Suite) -> None:
    """What ``pytest --fixtures`` of a bare pytest lists is reserved, and nothing else but what newer ones have."""
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--fixtures", "-v", "-p", "pytester"],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=suite.path,
        capture_output=True,
        text=True,
    ).stdout
    # Those that begin with an underscore are for pytest itself.
    builtin = set(re.findall(r"^([^\W_]\w*)(?: \[\w+ scope\])? -- ", listed, flags=re.MULTILINE))
    assert "tmp_path" in builtin
    ours = {"cuda_device", "heavy_module", "heavy_stub", "hide_modules", "import_probe"}
    assert builtin <= RESERVED
    assert ours <= RESERVED
    # "request" is no fixture that could be listed.
    newer = set() if PYTEST_9 else {"capteesys", "subtests"}
    assert RESERVED - builtin - ours - newer == {"request"}


@pytest.mark.parametrize("line", ["# nothing", ""])
def test_without_declarations_nothing_happens(suite: Suite, line: str) -> None:
    """A comment or an empty list declares nothing, and a suite that uses nothing of ours runs as ever."""
    suite.declare(line) if line else suite.declare()
    suite.tests("def test_it():\n    pass\n")
    suite.run("-W", "error", "--strict-config").assert_outcomes(passed=1)


def test_entries_of_the_path_that_are_no_text(suite: Suite) -> None:
    """Somebody has put a ``Path`` into ``sys.path``, which Python passes over: so does the look for entry points."""
    suite.write("conftest.py", "import sys\nfrom pathlib import Path\n\nsys.path.insert(0, Path(__file__).parent)\n")
    suite.tests("def test_it(): pass\n")
    suite.run("-p", "no:hypothesispytest", autoload=True).assert_outcomes(passed=1)
