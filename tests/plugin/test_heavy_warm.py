"""``--heavy-warm``: the workers of pytest-xdist are forked from a warm process."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..support.suite import section
from ..support.waiting import wait
from ..support.warm import is_alive
from ..support.warm_errors import errors_of

if TYPE_CHECKING:
    from ..support.warm import WarmSuite

XDIST = ("-p", "xdist", "--heavy-warm", "-n", "3")
TELLS_PROCESSES = """
    import json, os, pathlib
    import plainpkg
    import pytest

    @pytest.mark.parametrize("number", range(12))
    def test_it(number, worker_id):
        facts = [worker_id, os.getpid(), os.getpgrp() == os.getpid(), os.environ["PYTEST_XDIST_WORKER"], os.getcwd()]
        pathlib.Path(f"facts-{number}.json").write_text(json.dumps(facts))
"""


def facts(directory: Path) -> list[list[object]]:
    """What the tests have written."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in directory.glob("facts-*.json")]


def test_what_workers_import_is_imported_once_for_all(warm: WarmSuite) -> None:
    """By a warm process that is started for the run, and ends with it."""
    warm.suite.declare("plainpkg")
    warm.suite.tests(TELLS_PROCESSES)
    result = warm.plain(*XDIST)
    assert result.parseoutcomes() == {"passed": 12}, result.outlines + result.errlines
    assert warm.suite.executions() == {"plainpkg": 1}
    assert len({process for _, process, *_ in facts(warm.path)}) == 3
    # Group leaders: that is how a forked one can be told.
    assert {tuple(rest) for *_, rest in [(0, fact[2:3] + fact[4:]) for fact in facts(warm.path)]} == {
        (True, str(warm.path))
    }
    assert {worker for worker, *_ in facts(warm.path)} == {"gw0", "gw1", "gw2"}
    assert warm.files() == []
    assert errors_of(result) == []


def test_without_the_flag_each_worker_imports_for_itself(warm: WarmSuite) -> None:
    """So the others prove something."""
    warm.suite.declare("plainpkg")
    warm.suite.tests(TELLS_PROCESSES)
    assert warm.plain("-p", "xdist", "-n", "3").parseoutcomes() == {"passed": 12}
    assert warm.suite.executions() == {"plainpkg": 3}
    assert {fact[2] for fact in facts(warm.path)} == {False}


@pytest.mark.parametrize("arguments", [(), ("--heavy-guard=restore",)])
def test_the_report_tells_that_the_warm_process_has_imported_it(warm: WarmSuite, arguments: tuple[str, ...]) -> None:
    """Of what a conftest file has imported it tells that."""
    warm.suite.declare("plainpkg", "mine")
    warm.suite.write("mine.py", "")
    warm.suite.write("conftest.py", "import os\n\nif 'PYTEST_XDIST_WORKER' in os.environ:\n    import mine, plainpkg\n")
    warm.suite.tests("def test_it(plainpkg): pass\n")
    result = warm.plain("-p", "xdist", "--heavy-warm", "-n", "1", "-o", "pythonpath=.", *arguments)
    assert result.parseoutcomes() == {"passed": 1}, result.outlines + result.errlines
    told = {line.split()[0]: line.partition("first: ")[2] for line in section(result) if "first: " in line}
    assert told == {"plainpkg": "gw0, warm process", "mine": "gw0, conftest.py"}


def test_a_warm_process_that_is_there_is_used(warm: WarmSuite) -> None:
    """That of ``heavyimports run``, whether the controller is a plain run or not."""
    warm.suite.tests(TELLS_PROCESSES)
    warm.learn("-p", "xdist", "-n", "1", "--heavy-warm")
    before = warm.suite.executions()["plainpkg"]
    assert warm.run(*XDIST).parseoutcomes() == {"passed": 12}
    assert warm.plain(*XDIST).parseoutcomes() == {"passed": 12}
    assert warm.suite.executions()["plainpkg"] == before
    assert len(warm.processes()) == 1
    assert warm.tell("status")[-1].endswith("9 served, 0 under way")


def test_a_warm_process_that_is_out_of_date_is_not_used(warm: WarmSuite, installed) -> None:
    """The run starts one for itself; others may still use the one that is there."""
    installed.add("reading-pkg", "1.0", {"readingpkg/__init__.py": "import os\n\nvalue = os.getenv('READ_BY_IT')\n"})
    warm.suite.declare("readingpkg")
    warm.suite.tests(TELLS_PROCESSES.replace("import plainpkg", "import readingpkg; assert readingpkg.value is None"))
    warm.learn("-p", "xdist", "-n", "1")
    assert len(warm.processes()) == 1
    warm.environment["READ_BY_IT"] = "changed"
    warm.suite.tests(TELLS_PROCESSES.replace("import plainpkg", "import readingpkg; assert readingpkg.value"))
    result = warm.plain(*XDIST)
    assert result.parseoutcomes() == {"passed": 12}, result.outlines + result.errlines
    assert {fact[2] for fact in facts(warm.path)} == {True}
    assert errors_of(result) == []
    assert len(warm.processes()) == 1


def test_a_warm_process_that_dies_crashes_its_workers(warm: WarmSuite) -> None:
    """As pytest-xdist knows it: other workers, plain ones, do the rest, and nobody waits for what will not come."""
    warm.suite.tests(
        """
        import os, pathlib, signal

        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(number):
            if not pathlib.Path("killed").exists():
                pathlib.Path("killed").touch()
                os.kill(os.getppid(), signal.SIGKILL)
                signal.pause()
        """
    )
    warm.learn("-p", "xdist", "-n", "1", "--heavy-warm", "--collect-only")
    result = warm.plain("-p", "xdist", "--heavy-warm", "-n", "2")
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] >= 1
    assert "crashed" in "\n".join(result.outlines)
    warm.learn()  # takes away what is left


def test_what_workers_have_imported_is_learnt_for_the_next_run(warm: WarmSuite) -> None:
    """Nothing is declared: the workers import it, then the next run's warm process."""
    warm.suite.tests(TELLS_PROCESSES)
    assert warm.plain(*XDIST).parseoutcomes() == {"passed": 12}
    # By each worker; then their warm process tries it, when the run has ended.
    wait(lambda: warm.suite.executions() == {"plainpkg": 4})
    wait(lambda: not is_alive(int(warm.suite.executing_processes()[-1])))
    assert warm.plain(*XDIST).parseoutcomes() == {"passed": 12}
    assert warm.suite.executions() == {"plainpkg": 5}


def test_the_replacement_of_a_crashed_worker_is_forked_too(warm: WarmSuite) -> None:
    """And the crash is told as ever."""
    warm.suite.declare("plainpkg")
    warm.suite.tests(
        TELLS_PROCESSES
        + """
    def test_crash():
        os._exit(1)
"""
    )
    result = warm.plain(*XDIST)
    assert result.parseoutcomes() == {"passed": 12, "failed": 1}
    assert any(
        re.search(r"worker 'gw\d' crashed while running 'test_it.py::test_crash'", line) for line in result.outlines
    )
    assert warm.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize(
    "arguments", [("--dist=loadfile",), ("--dist=each",), ("--dist=worksteal",), ("--maxprocesses=2",)]
)
def test_every_way_to_distribute_works(warm: WarmSuite, arguments: tuple[str, ...]) -> None:
    """It is xdist's own matter."""
    warm.suite.tests("import pytest\n\n@pytest.mark.parametrize('n', range(4))\ndef test_it(n): pass\n")
    result = warm.plain(*XDIST, *arguments)
    assert result.parseoutcomes() == {"passed": 12 if "--dist=each" in arguments else 4}
    assert errors_of(result) == []


def test_workers_with_a_python_of_their_own_are_left_alone(warm: WarmSuite) -> None:
    """What somebody has chosen; those of other machines likewise."""
    warm.suite.declare("plainpkg")
    warm.suite.tests(TELLS_PROCESSES)
    result = warm.plain("-p", "xdist", "--heavy-warm", "--tx", f"popen//python={sys.executable}", "--dist", "load")
    assert result.parseoutcomes() == {"passed": 12}
    assert {fact[2] for fact in facts(warm.path)} == {False}


def test_it_begins_before_the_conftest_files_are_read(warm: WarmSuite) -> None:
    """What takes long is done at once: here, a conftest file of the controller waits for it."""
    warm.suite.declare("plainpkg")
    warm.suite.write(
        "conftest.py",
        """
        import os, pathlib, time

        log, end = pathlib.Path(os.environ["EXECUTIONS"]), time.monotonic() + 60
        while not (log.exists() and "plainpkg" in log.read_text()):
            assert time.monotonic() < end
            time.sleep(0.01)
        """,
    )
    warm.suite.tests(TELLS_PROCESSES)
    assert warm.plain(*XDIST).parseoutcomes() == {"passed": 12}
    assert warm.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize("argument", ["--collect-only", "--help", "-n0"])
def test_where_no_worker_is_started_nothing_is_begun(warm: WarmSuite, argument: str) -> None:
    """Neither early nor late: nobody would end it."""
    warm.suite.declare("plainpkg")
    warm.suite.tests("def test_it(): pass\n")
    temporary = warm.path / "temporary"
    temporary.mkdir()
    warm.environment["TMPDIR"] = str(temporary)
    warm.suite.write("conftest.py", "import os\n\nassert not os.listdir(os.environ['TMPDIR'])\n")
    warm.suite.write(
        "watch.py",
        """
        import os

        def pytest_unconfigure():
            print("begun:", os.listdir(os.environ["TMPDIR"]))
        """,
    )
    warm.environment["PYTHONPATH"] += os.pathsep + str(warm.path)
    result = warm.plain(*XDIST, argument, "-p", "watch")
    assert "begun: []" in result.outlines
    assert not warm.suite.log.exists()


def test_a_variable_that_a_conftest_sets_is_read_by_the_imports_of_workers(warm: WarmSuite, installed) -> None:
    """What was begun without it is not used."""
    installed.add("reading-pkg", "1.0", {"readingpkg/__init__.py": "import os\n\nvalue = os.getenv('READ_BY_IT')\n"})
    warm.suite.declare("readingpkg")
    warm.suite.write("conftest.py", "import os\n\nos.environ['READ_BY_IT'] = 'here'\n")
    reads = "import readingpkg; assert readingpkg.value == 'here'"
    warm.suite.tests(TELLS_PROCESSES.replace("import plainpkg", reads))
    result = warm.plain(*XDIST)
    assert result.parseoutcomes() == {"passed": 12}, result.outlines + result.errlines
    assert {fact[2] for fact in facts(warm.path)} == {True}


def test_what_a_conftest_declares_is_imported_once_for_all(warm: WarmSuite) -> None:
    """By the one that was begun before it was known; by the second run it is learnt."""
    warm.suite.write("conftest.py", "def pytest_heavy_modules(config):\n    return ['plainpkg']\n")
    warm.suite.tests(TELLS_PROCESSES)
    for runs in (1, 2):
        assert warm.plain(*XDIST).parseoutcomes() == {"passed": 12}
        assert warm.suite.executions() == {"plainpkg": runs}


@pytest.mark.slow
def test_what_a_conftest_does_while_the_imports_go_on_is_seen_by_them(warm: WarmSuite, installed) -> None:
    """Whatever variable it sets: what was begun without it is not used, and nothing is called harmful."""
    slow = "import os, time\n\nwith open(os.environ['SLOWLY'], 'a') as f:\n    f.write(os.getenv('MINE', '-'))\n"
    slow += "time.sleep(1.5)\n"
    installed.add("slow-pkg", "1.0", {"slowpkg/__init__.py": slow})
    log = warm.path / "slowly"
    warm.environment["SLOWLY"] = str(log)
    warm.suite.declare("slowpkg")
    warm.suite.write("conftest.py", "import os, time\n\nos.environ['MINE'] = 'here'\ntime.sleep(0.7)\n")
    warm.suite.tests(TELLS_PROCESSES.replace("import plainpkg", "import slowpkg"))
    for runs in (1, 2, 3):
        result = warm.plain(*XDIST)
        assert (result.parseoutcomes(), errors_of(result)) == ({"passed": 12}, [])
        assert log.read_text(encoding="utf-8").count("here") >= runs


def test_workers_are_as_the_controller_is_when_it_starts_them(warm: WarmSuite) -> None:
    """Also in what is no variable: here the processors that a conftest file of the controller leaves it."""
    warm.suite.write(
        "conftest.py",
        """
        import os

        if "PYTEST_XDIST_WORKER" not in os.environ:
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        """,
    )
    warm.suite.tests("import os\n\ndef test_it():\n    assert len(os.sched_getaffinity(0)) == 1\n")
    assert warm.plain(*XDIST).parseoutcomes() == {"passed": 1}


def test_without_the_debugger_it_is_the_same(warm: WarmSuite) -> None:
    """``-p no:debugging``: there is no ``--pdb`` to look at."""
    warm.suite.tests("def test_it(): pass\n")
    assert warm.plain(*XDIST, "-p", "no:debugging").parseoutcomes() == {"passed": 1}


def test_a_conftest_that_sets_a_variable_is_heard(warm: WarmSuite) -> None:
    """The controller's environment is the workers'."""
    warm.suite.write("conftest.py", "import os\n\nos.environ.setdefault('SET_BY_CONFTEST', 'yes')\n")
    warm.suite.tests("import os\n\ndef test_it():\n    assert os.environ['SET_BY_CONFTEST'] == 'yes'\n")
    assert warm.plain(*XDIST).parseoutcomes() == {"passed": 1}


def test_coverage_of_workers_is_counted(warm: WarmSuite) -> None:
    """``--cov`` with ``-n``."""
    warm.suite.write("mine.py", "def used():\n    return 1\n\n\ndef unused():\n    return 2\n")
    warm.suite.tests("import mine\n\ndef test_it():\n    assert mine.used() == 1\n")
    result = warm.plain(*XDIST, "-p", "pytest_cov", "--cov=mine", "-o", "pythonpath=.")
    (line,) = [line for line in result.outlines if line.startswith("mine.py")]
    assert line.split() == ["mine.py", "4", "1", "75%"]


def test_without_xdist_it_is_a_usage_error(warm: WarmSuite) -> None:
    """Where it is not installed, or blocked."""
    result = warm.plain("--heavy-warm")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines == ["ERROR: --heavy-warm is for the workers of pytest-xdist, which isn't there.", ""]


def test_without_workers_it_does_nothing(warm: WarmSuite) -> None:
    """No process is started."""
    warm.suite.tests("def test_it(): pass\n")
    assert warm.plain("-p", "xdist", "--heavy-warm").parseoutcomes() == {"passed": 1}
    assert warm.files() == []
