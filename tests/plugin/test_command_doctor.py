"""``heavyimports doctor``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ..support.commands import Done, run_command
from ..support.waiting import LIMIT_S, restore_sigint, wait

NOTHING_KNOWN = (
    "pytest has run no tests that this plugin has seen: -p no:heavyimports switches it off, an option such as "
    "--fixtures only shows something, or os._exit has ended the run."
)

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.suite import Suite

ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": ""}
BURN = """
import time

end = time.process_time() + 0.15
while time.process_time() < end:
    pass
"""


def doctor(suite: Suite, *arguments: str, **environment: str) -> Done:
    """The command with no plugin but ours."""
    return run_command(suite.path, "doctor", "-p", "no:cacheprovider", *arguments, **ALONE, **environment)


def said(done: Done) -> list[str]:
    """What the command has printed after pytest's output."""
    begin = next(number for number, line in enumerate(done.out) if line.startswith("heavyimports doctor:"))
    return done.out[begin:]


@pytest.fixture
def red(suite: Suite) -> Suite:
    """A suite whose first test throws numpy out, so that another one executes it again."""
    suite.write("pytest.ini", "[pytest]\n# ours\n")
    suite.tests(
        """
        import sys
        from unittest import mock

        def test_culprit():
            with mock.patch.dict(sys.modules):
                import numpy

        def test_victim():
            import numpy
        """
    )
    return suite


def test_what_breaks_is_told_with_the_settings_that_mend_it(red: Suite) -> None:
    """Every test ends as without it; the settings are what `--write` writes, and then the suite is green."""
    plain = red.run()
    done = doctor(red)
    assert done.status == 0
    assert plain.parseoutcomes() == {"failed": 1, "passed": 1}
    assert any("1 failed, 1 passed" in line for line in done.out)
    shown = said(done)
    assert shown[1:7] == [
        "1 test failed: see above",
        "BREAKS",
        "  numpy: executed a second time in this process",
        "    by test_it.py:5: with mock.patch.dict(sys.modules):",
        "    What is first imported inside of patch.dict(sys.modules, ...) is thrown out",
        "    at its end. So has 'numpy' been: import it before, or declare it in",
    ]
    told = shown[shown.index("TYPE  heavyimports doctor --write") + 1 :]
    assert told[:2] == ["--- a/pytest.ini", "+++ b/pytest.ini"]
    added = ["+heavy_modules =", "+    numpy", "+heavy_guard = restore"]
    assert [line for line in told[2:] if line[0] in "+-"] == added
    assert len(shown) <= 24
    assert (red.path / "pytest.ini").read_text(encoding="utf-8") == "[pytest]\n# ours\n"
    written = doctor(red, "--write", "--check", "-q")
    assert written.status == 1
    assert "WRITTEN into pytest.ini" in written.out
    after = "[pytest]\nheavy_modules =\n    numpy\nheavy_guard = restore\n# ours\n"
    assert (red.path / "pytest.ini").read_text(encoding="utf-8") == after
    assert red.run().parseoutcomes() == {"passed": 2, "warnings": 1}


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("import importlib; importlib.reload(numpy)", "reloaded"),
        ("del sys.modules['numpy']", "left missing from sys.modules, to be executed again"),
        ("sys.modules['numpy'] = type(sys)('numpy')", "a fake of it is left in sys.modules"),
        ("sys.modules['pandas'] = None", ""),
    ],
)
def test_kinds(suite: Suite, statement: str, told: str) -> None:
    """What is not installed can't be thrown out."""
    suite.tests(f"import sys, numpy\n\ndef test_it():\n    {statement}\n")
    shown = said(doctor(suite, "-p", "no:warnings"))
    assert [line for line in shown if line.startswith("  numpy: ")] == ([f"  numpy: {told}"] if told else [])
    assert ("BREAKS" in shown) == bool(told)


def test_a_guard_that_is_on_only_looks_on(red: Suite) -> None:
    """The outcomes are those of a suite without it; then there is no setting to write."""
    red.write("pytest.ini", "[pytest]\nheavy_guard = error\nheavy_modules = numpy\n")
    done = doctor(red, "--check")
    assert done.status == 1
    assert said(done)[1:3] == ["1 test failed: see above", "BREAKS"]
    assert not any(line.startswith("TYPE") for line in done.out)


@pytest.fixture
def slow(suite: Suite) -> Suite:
    """A suite with a slow module of its own, which one of three tests needs."""
    suite.write("lib/app/__init__.py", "")
    suite.write("lib/app/settings.py", BURN)
    suite.write("pytest.ini", "[pytest]\npythonpath = lib\n")
    suite.tests("from app import settings\n\ndef test_slow(): pass\n", "tests/test_slow.py")
    suite.tests("def test_one(): pass\n\ndef test_two(): pass\n", "tests/test_light.py")
    return suite


def test_a_slow_module_of_ones_own_is_found(slow: Suite) -> None:
    """With who imported it first and how many tests need it, and what would not help."""
    shown = said(doctor(slow))
    rows = [line.split(maxsplit=2)[2] for line in shown if line.startswith(" ") and " app.settings " in line]
    assert rows[0] == "app.settings  1 of 3 tests  tests/test_slow.py:1"
    assert any("app.settings: compute in functions what it computes at its top" in line for line in shown)
    assert shown[-1].startswith("DOESN'T HELP  a warm run, --heavy-defer: your own code stays as it is: app.")


def test_json_is_alone_on_stdout(slow: Suite) -> None:
    """What pytest prints goes to stderr."""
    done = doctor(slow, "--format=json", "-k", "slow or one")
    facts = json.loads("\n".join(done.out))
    assert (facts["version"], facts["tests"], facts["outcomes"]) == (1, 2, {"passed": 2})
    assert [(each["name"], each["tests"]) for each in facts["slow"] if each["is_own"]] == [("app.settings", 1)]
    assert facts["configuration"] == {"file": "", "diff": [], "fault": ""}
    assert any("2 passed" in line for line in done.err)


def test_workers(slow: Suite) -> None:
    """What each worker has seen is put together."""
    slow.tests("import numpy, sys\n\ndef test_it():\n    del sys.modules['numpy']\n", "tests/test_numpy.py")
    facts = json.loads("\n".join(doctor(slow, "-p", "xdist", "-n", "2", "--format=json").out))
    assert (facts["tests"], facts["outcomes"]) == (4, {"passed": 4})
    assert [(each["name"], each["processes"]) for each in facts["slow"] if each["is_own"]] == [("app.settings", 2)]
    assert [each["modules"] for each in facts["breaks"]] == [["numpy"]]


def test_a_suite_that_needs_nothing(suite: Suite) -> None:
    """There is nothing to write, and nothing is written."""
    suite.tests("def test_it(): pass\n")
    done = doctor(suite, "--write", "--check")
    assert done.status == 0
    assert not any(line.startswith(("BREAKS", "TYPE", "WRITTEN")) for line in done.out)
    assert done.out[-1] == "There is nothing to write."
    assert [file.name for file in suite.path.iterdir() if file.suffix in (".ini", ".toml")] == []


def test_files_that_cannot_be_collected_are_counted(suite: Suite) -> None:
    """And the rest is told all the same."""
    suite.tests("import no_such_module\n", "test_one.py")
    suite.tests("import sys, numpy\ndel sys.modules['numpy']\n\ndef test_it(): pass\n", "test_two.py")
    done = doctor(suite)
    assert done.status == 0
    assert said(done)[1] == "1 file could not be collected: see above"
    assert "  numpy: left missing from sys.modules, to be executed again" in done.out


def test_a_run_that_dies_tells_what_was_seen(suite: Suite) -> None:
    """As where a second initialisation ends the process; with nothing seen, the status is that of a shell."""
    suite.tests(
        "import os, sys, numpy\n\ndef test_it():\n    importlib = __import__('importlib')\n    os.kill(os.getpid(), 9)\n"
    )
    done = doctor(suite)
    assert done.status == 128 + 9
    seen = "heavyimports doctor: signal SIGKILL ended the process (Killed), and nothing was seen that breaks heavy modules."
    assert done.err[-1] == seen
    suite.tests(
        "import os, sys, numpy\n\ndef test_one():\n    del sys.modules['numpy']\n\ndef test_it():\n    os.kill(os.getpid(), 9)\n"
    )
    done = doctor(suite, "--check")
    assert done.status == 1
    assert said(done)[:3] == [
        "heavyimports doctor: signal SIGKILL ended the process (Killed)",
        "What was seen until then:",
        "BREAKS",
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["no_such.py"], 4, "pytest could not start, for the reason above (exit status 4)."),
        (["--no-such-option"], 4, "pytest could not start, for the reason above (exit status 4)."),
        (["-k", "nothing"], 5, "no tests ran (exit status 5)."),
        (
            ["-p", "no:heavyimports"],
            1,
            NOTHING_KNOWN,
        ),
    ],
)
def test_what_pytest_refuses_is_passed_on(suite: Suite, arguments: list[str], status: int, told: str) -> None:
    """With a sentence, and nothing on stdout but what pytest prints."""
    suite.tests("def test_it(): pass\n")
    done = doctor(suite, *arguments)
    assert done.status == status
    assert done.err[-1] == f"heavyimports doctor: {told}"
    assert not any(line.startswith("heavyimports doctor") for line in done.out)


def test_wrong_arguments_are_refused_at_once(suite: Suite) -> None:
    """Before anything is run."""
    done = doctor(suite, "--format", "xml")
    assert done.status == 2
    assert "invalid choice: 'xml'" in done.err[-1]
    assert done.out == []


def test_ctrl_c_is_passed_on(suite: Suite) -> None:
    """pytest ends as ever, with its own summary, and half a run is no ground for advice."""
    suite.tests("import time\n\ndef test_it():\n    open('began', 'w').close()\n    time.sleep(60)\n")
    child = subprocess.Popen(
        [sys.executable, "-m", "pytest_heavyimports", "doctor", "-p", "no:cacheprovider"],
        cwd=suite.path,
        env={**os.environ, **ALONE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=restore_sigint,
    )
    wait((suite.path / "began").exists, LIMIT_S)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does
    out, err = child.communicate(timeout=60)
    assert child.returncode == 2
    assert "KeyboardInterrupt" in out
    assert err.splitlines()[-1] == "heavyimports doctor: the run was interrupted. Half a run says nothing."
    assert "Traceback" not in err


def test_without_tomlkit_the_lines_are_told(red: Suite, tmp_path: Path) -> None:
    """To be typed by hand; `--write` refuses."""
    (red.path / "pytest.ini").unlink()
    red.write("pyproject.toml", "[tool.pytest.ini_options]\n")
    red.write("hidden/tomlkit.py", "raise ImportError\n")
    hide = "import sys; sys.modules['tomlkit'] = None\n"
    red.write("hidden/sitecustomize.py", hide)
    done = doctor(red, "--write", PYTHONPATH=str(red.path / "hidden"))
    assert done.status == 2
    assert said(done)[-4:] == [
        "tomlkit is not installed: add this to pyproject.toml by hand. Type pip install 'pytest-heavyimports[scan]'.",
        "heavy_modules =",
        "    numpy",
        "heavy_guard = restore",
    ]
    assert (red.path / "pyproject.toml").read_text(encoding="utf-8") == "[tool.pytest.ini_options]\n"
