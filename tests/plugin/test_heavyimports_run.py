"""``heavyimports run``: pytest in a process that was forked from a warm one."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..support.suite import section
from ..support.waiting import wait
from ..support.warm_errors import errors_of

if TYPE_CHECKING:
    from ..support.warm import WarmSuite

USES_PLAINPKG = """
    import plainpkg

    def test_it():
        assert plainpkg.answer == 42
"""
ANOTHER = "A new one is started, and this run takes as long as a plain one."
# Prints what a process is like, in the order of the names.
TELLS = """
    import json, os, random, resource, signal, sys

    def test_it():
        print(json.dumps({expression}))
"""


def told(warm: WarmSuite, expression: str, *arguments: str, **environment: str) -> object:
    """What an expression gives in a run."""
    warm.suite.tests(TELLS.format(expression=expression))
    result = warm.run("-s", "-q", *arguments, **environment)
    assert result.ret == 0, result.outlines + result.errlines
    return json.loads(result.outlines[0].removesuffix("."))


def test_what_a_run_imports_is_imported_once_for_all_runs_after_it(warm: WarmSuite) -> None:
    """Three executions: of the first run, of a child that tries it, and of the warm process."""
    warm.suite.tests(USES_PLAINPKG)
    for _ in range(4):
        assert warm.run().ret == 0
        warm.processes()
    assert warm.suite.executions()["plainpkg"] == 3


def test_what_a_test_imports_in_its_function_is_learnt_too(warm: WarmSuite) -> None:
    """The next run finds it imported, by its parent, when a child of that has tried it."""
    warm.suite.tests("def test_it():\n    import plainpkg.part\n")
    warm.learn()
    warm.run()
    assert warm.suite.executions() == {"plainpkg": 3, "plainpkg.part": 3}


def test_a_declared_module_is_imported_whether_the_run_asks_for_it_or_not(warm: WarmSuite) -> None:
    """``-k`` has selected light tests, and the next run is quick all the same."""
    warm.suite.declare("plainpkg")
    warm.suite.tests("def test_light(): pass\ndef test_heavy(plainpkg): pass\n")
    warm.learn("-k", "light")
    assert warm.suite.executions() == {"plainpkg": 2}
    result = warm.run()
    assert section(result) == ["plainpkg 2.3.1                              first: warm process"]
    assert warm.suite.executions() == {"plainpkg": 2}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="such a class stays on Python 3.10")
def test_what_imports_leave_as_garbage_is_collected(warm: WarmSuite, installed) -> None:
    """Such as the class that a dataclass with slots was made of, which its base would know of."""
    text = """
        from dataclasses import dataclass

        class Base:
            __slots__ = ()

        @dataclass(slots=True)
        class Derived(Base):
            value: int
        """
    installed.add("slotted-pkg", "1.0", {"slottedpkg.py": text})
    warm.suite.tests(
        """
        import gc, slottedpkg

        def test_it():
            gc.collect()
            assert slottedpkg.Base.__subclasses__() == [slottedpkg.Derived]
        """
    )
    warm.learn()
    assert warm.run().ret == 0
    assert "slottedpkg" not in "\n".join(line for line in warm.tell("status") if "left out" in line)


def test_what_fails_while_something_is_installed_is_tried_again(warm: WarmSuite, installed) -> None:
    """It may have been half there; else it would be left out for good."""
    text = """
        import pathlib

        if pathlib.Path("{here}", "is_half").exists():
            pathlib.Path("{here}", "another.py").touch()
            raise ImportError("half installed")
        """
    installed.add("half-pkg", "1.0", {"halfpkg.py": text.format(here=installed.site)})
    is_half = installed.site / "is_half"
    warm.suite.tests(f"import halfpkg, pathlib\n\ndef test_it():\n    pathlib.Path({str(is_half)!r}).touch()\n")
    assert warm.run().ret == 0
    wait(lambda: not warm.files())
    is_half.unlink()
    warm.suite.tests("import halfpkg\n\ndef test_it(): pass\n")
    warm.learn()
    assert "halfpkg" not in "\n".join(line for line in warm.tell("status") if "left out" in line)
    assert warm.run().ret == 0


def test_the_report_tells_who_has_imported_what(warm: WarmSuite) -> None:
    """The warm process, whoever asks for it then, and whether it is declared or not; a conftest file the rest."""
    warm.suite.declare("mine")
    warm.suite.write("mine.py", "")
    warm.suite.write("conftest.py", "import mine, plainpkg\n")
    warm.suite.tests("def test_it(heavy_module):\n    heavy_module('plainpkg')\n")
    warm.learn("-o", "pythonpath=.")
    told = dict(line.split(" first: ") for line in section(warm.run("-o", "pythonpath=.")))
    assert {name.split()[0]: place for name, place in told.items()} == {
        "mine": "conftest.py",
        "plainpkg": "warm process",
    }
    warm.suite.declare("plainpkg")
    warm.learn()
    (line,) = section(warm.run("--heavy-preload"))
    assert line.endswith(" first: warm process")


def test_the_code_under_test_is_never_in_the_warm_process(warm: WarmSuite) -> None:
    """Its module counts one execution a run."""
    warm.suite.write("mine.py", "from executions import record\n\nrecord(__name__)\n")
    warm.suite.tests("def test_it():\n    import mine\n")
    for _ in range(3):
        assert warm.run("-o", "pythonpath=.").ret == 0
    assert warm.suite.executions() == {"mine": 3}


def test_a_selection_leaves_the_next_run_whole(warm: WarmSuite) -> None:
    """Each run collects by itself."""
    warm.suite.tests("def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n")
    outcomes = [warm.run(*arguments).parseoutcomes() for arguments in ((), ("-k", "a or b"), ())]
    assert outcomes == [{"passed": 3}, {"passed": 2, "deselected": 1}, {"passed": 3}]


def test_an_edit_of_the_code_under_test_is_seen_by_the_next_run(warm: WarmSuite) -> None:
    """Also where it is edited within the same second, if its size changes; Python's own cache sees no other edit."""
    warm.suite.tests("from mine import value\n\ndef test_it():\n    print('value', value)\n")
    seen = []
    for value in (1, 2, 3):
        warm.suite.write("mine.py", f"value = {'+' * value}{value}\n")
        seen += [line for line in warm.run("-s", "-o", "pythonpath=.").outlines if line.startswith("test_it.py")]
    assert seen == [f"test_it.py value {value}" for value in (1, 2, 3)]


def test_an_edit_of_a_conftest_is_seen_by_the_next_run(warm: WarmSuite) -> None:
    """Its fixtures and its hooks."""
    warm.suite.tests("def test_it(value):\n    assert value == 2\n")
    warm.suite.write("conftest.py", "import pytest\n\n@pytest.fixture\ndef value():\n    return 1\n")
    assert warm.run().parseoutcomes() == {"failed": 1}
    warm.suite.write("conftest.py", "import pytest\n\n@pytest.fixture\ndef value():\n    return 1 + 1\n")
    assert warm.run().parseoutcomes() == {"passed": 1}


def test_an_edit_of_the_configuration_is_seen_by_the_next_run(warm: WarmSuite) -> None:
    """It is another warm process that serves it: other modules may be declared."""
    warm.suite.tests("def check_it(): pass\ndef test_it(): pass\n")
    assert warm.run().parseoutcomes() == {"passed": 1}
    (first,) = warm.processes()
    warm.suite.declare(python_functions="check_*")
    assert warm.run("-v").outlines[-3].startswith("test_it.py::check_it PASSED")
    assert warm.processes() != [first]


def test_an_option_is_seen_by_its_own_run_alone(warm: WarmSuite) -> None:
    """``-W``, ``-o``, ``-p`` and ``--strict`` leave nothing behind."""
    warm.suite.tests("import warnings\n\ndef test_it():\n    warnings.warn('oh')\n")
    assert warm.run("-W", "error").parseoutcomes() == {"failed": 1}
    assert warm.run().parseoutcomes() == {"passed": 1, "warnings": 1}
    assert warm.run("-p", "no:warnings").parseoutcomes() == {"passed": 1}


def test_the_whole_environment_is_that_of_the_client(warm: WarmSuite) -> None:
    """What is set, what is changed, and what is no longer there."""
    names = ("MINE", "TZ", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    expression = f"[os.environ.get(name) for name in {names}]"
    assert told(warm, expression, MINE="1", TZ="UTC+5") == ["1", "UTC+5", "1"]
    assert told(warm, expression, MINE="2") == ["2", None, "1"]
    assert told(warm, expression) == [None, None, "1"]


def test_the_clock_is_that_of_the_clients_time_zone(warm: WarmSuite) -> None:
    """The C library has been told."""
    assert told(warm, "__import__('time').localtime(0).tm_hour", TZ="UTC+5") == 19
    assert told(warm, "__import__('time').localtime(0).tm_hour", TZ="UTC") == 0


def test_a_variable_of_the_key_has_a_warm_process_of_its_own(warm: WarmSuite) -> None:
    """``OMP_NUM_THREADS`` is read by C code when torch is imported."""
    warm.suite.tests("def test_it(): pass\n")
    warm.run()
    warm.run(OMP_NUM_THREADS="1")
    warm.run(OMP_NUM_THREADS="1")
    assert len(warm.processes()) == 2


def test_a_variable_that_makes_no_difference_can_be_named(warm: WarmSuite) -> None:
    """By ``heavy_warm_ignore``, with a ``*`` for more than one; else a line says why it takes long."""
    warm.suite.tests("def test_it(): pass\n")
    assert errors_of(warm.run(MY_BUILD_ID="1")) == []
    assert errors_of(warm.run(MY_BUILD_ID="2")) == [
        "heavyimports run: a warm process is started for another value of MY_BUILD_ID: imports may read it. "
        "If it makes no difference, name it in heavy_warm_ignore."
    ]
    warm.tell("stop")
    warm.suite.declare(heavy_warm_ignore="MY_BUILD_*")
    for value in ("1", "2", "3"):
        assert errors_of(warm.run(MY_BUILD_ID=value)) == []
    assert len(warm.processes()) == 1


def test_there_are_three_processes_of_a_project_at_most(warm: WarmSuite) -> None:
    """The one that was used least ends."""
    warm.suite.tests("def test_it(): pass\n")
    for value in ("1", "2", "3", "1", "4", "1"):
        warm.run(MINE=value)
    assert len(warm.processes()) == 3
    assert errors_of(warm.run(MINE="3")) == []


def test_a_variable_that_an_import_has_read_is_that_of_the_run(warm: WarmSuite, installed) -> None:
    """Whatever its name is: another value has another process."""
    installed.add("reading-pkg", "1.0", {"readingpkg/__init__.py": "import os\n\nvalue = os.getenv('READ_BY_IT')\n"})
    warm.suite.tests("import readingpkg\n\ndef test_it():\n    print('value', readingpkg.value)\n")
    seen = []
    for value in ("1", "1", "2", "1"):
        result = warm.run("-s", READ_BY_IT=value)
        seen += [line for line in result.outlines if "value" in line]
        warm.processes()
    assert seen == [f"test_it.py value {value}" for value in (1, 1, 2, 1)]


@pytest.mark.parametrize("file", ["conftest.py", "sub/conftest.py", "sub/test_set.py"])
def test_a_variable_that_is_set_before_an_import_is_read_by_it(warm: WarmSuite, installed, file: str) -> None:
    """By a conftest or test file: the warm process sets it too, when it imports the package."""
    installed.add("reading-pkg", "1.0", {"readingpkg/__init__.py": "import os\n\nvalue = os.getenv('READ_BY_IT')\n"})
    warm.suite.tests("def test_it():\n    import readingpkg\n    assert readingpkg.value == 'here'\n")
    warm.suite.write(file, "import os\n\nos.environ['READ_BY_IT'] = os.environ['OF_NOBODY'] = 'here'\n")
    warm.learn()
    result = warm.run()
    assert (result.parseoutcomes(), errors_of(result)) == ({"passed": 1}, [])
    assert len(warm.processes()) == 1


def test_a_variable_that_a_package_sets_is_no_matter(warm: WarmSuite, installed) -> None:
    """It is meant for what is imported after it."""
    installed.add(
        "setting-pkg", "1.0", {"settingpkg/__init__.py": "import os\n\nos.environ['OMP_NUM_THREADS'] = '1'\n"}
    )
    warm.suite.tests("import settingpkg\n\ndef test_it(): pass\n")
    for _ in range(2):
        result = warm.run()
        assert (result.parseoutcomes(), errors_of(result)) == ({"passed": 1}, [])
        warm.processes()


def test_a_fake_of_a_conftest_is_what_tests_find(warm: WarmSuite, installed) -> None:
    """Set outright or by default: a run begins without what is imported already."""
    installed.add("torchaudio", "1.0", {"torchaudio/__init__.py": ""})
    warm.suite.declare("torchaudio", heavy_guard="error")
    warm.suite.tests("def test_it(): pass\n")
    warm.learn()
    warm.suite.tests("import sys\n\ndef test_it():\n    assert type(sys.modules['torchaudio']) is object\n")
    for fake in ("sys.modules['torchaudio'] = object()", "sys.modules.setdefault('torchaudio', object())"):
        warm.suite.write("conftest.py", f"import sys\n\n{fake}\n")
        result = warm.run()
        assert (result.parseoutcomes(), errors_of(result)) == ({"passed": 1}, [])
    warm.suite.write("conftest.py", "")
    warm.suite.tests("import torchaudio\n\ndef test_it():\n    assert torchaudio.__spec__.loader.is_stand_in\n")
    warm.learn("--collect-only")
    result = warm.run("--heavy-stub=torchaudio")
    assert (result.parseoutcomes(), errors_of(result)) == ({"passed": 1}, [])
    for left in installed.site.glob("torchaudio*"):  # a package that is known to break, which others are not to find
        shutil.rmtree(left)


def test_a_plain_run_is_one_of_pytest_alone(warm: WarmSuite) -> None:
    """With warnings as errors too: nothing of ours is imported before pytest would."""
    warm.suite.declare("plainpkg", filterwarnings="error")
    warm.suite.tests(USES_PLAINPKG)
    warm.sockets.mkdir(mode=0o755)
    warm.sockets.chmod(0o755)
    result = warm.run()
    assert result.parseoutcomes() == {"passed": 1}, result.errlines
    warm.sockets.rmdir()


def test_a_variable_that_an_import_sets_is_set_in_each_run(warm: WarmSuite, installed) -> None:
    """As if the run had imported it."""
    installed.add("setting-pkg", "1.0", {"settingpkg/__init__.py": "import os\n\nos.environ['SET_BY_IT'] = 'yes'\n"})
    warm.suite.tests("import os, settingpkg\n\ndef test_it():\n    assert os.environ['SET_BY_IT'] == 'yes'\n")
    warm.learn()
    assert warm.run().parseoutcomes() == {"passed": 1}


def test_a_package_that_is_installed_anew_is_imported_anew(warm: WarmSuite, installed) -> None:
    """An upgrade, or an edit in site-packages."""
    for value in (1, 22):  # of another size: Python goes by whole seconds and the size, and two runs take less
        installed.add("edited-pkg", f"{value}.0", {"editedpkg/__init__.py": f"value = {value}\n"})
        warm.suite.tests(f"import editedpkg\n\ndef test_it():\n    assert editedpkg.value == {value}\n")
        warm.learn()
        assert warm.run().parseoutcomes() == {"passed": 1}


def test_a_directory_with_a_module_of_a_known_name_comes_first(warm: WarmSuite) -> None:
    """``pythonpath`` puts it before the installed one."""
    warm.suite.tests(USES_PLAINPKG)
    warm.learn()
    warm.suite.write("src/plainpkg.py", "answer = 43\n")
    result = warm.run("-o", "pythonpath=src")
    assert result.parseoutcomes() == {"failed": 1}
    assert [line for line in errors_of(result) if not line.startswith(OFFER)] == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
            "starts a thread",
        ),
        ("print('hello')", "writes something"),
        ("import os\nos.chdir('/tmp')", "changes the directory"),
        ("import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)", "handles a signal"),
        ("import logging\nlogging.basicConfig()", "configures logging"),
        ("import sys\nsys.stdout = open('/dev/null', 'w')", "replaces a standard stream"),
        ("import warnings\nwarnings.warn('old', DeprecationWarning)", "warns: old"),
        (
            "import os\nif not os.getenv('PYTEST_VERSION'): os._exit(3)",
            "ended the warm process",
        ),
        ("import os\nif not os.getenv('PYTEST_VERSION'): raise ValueError('no')", "raised ValueError: no"),
    ],
    ids=lambda value: value.split()[0] if " " in value else None,
)
def test_an_import_that_does_harm_is_left_out_and_told(warm: WarmSuite, installed, body: str, fault: str) -> None:
    """Tried once; runs import it themselves, and it does there what it does in any run."""
    name = f"harmful{abs(hash(fault))}"
    installed.add(name, "1.0", {f"{name}/__init__.py": body, f"{name}2/__init__.py": ""})
    warm.suite.tests(f"def test_it():\n    import {name}, {name}2\n")
    for _ in range(3):
        assert warm.run("-s").ret == 0
        warm.tell("status")
    lines = warm.tell("status")
    assert [line for line in lines if "left out" in line and fault in line and name in line], lines
    assert "raised" in fault or f"{name} 1.0" in "".join(lines), lines


def test_a_run_that_comes_while_an_import_is_tried_does_not_wait_for_it(warm: WarmSuite, installed) -> None:
    """Nor does the harm that it does end the warm process, or keep others from being imported before a run."""
    waits = f"""
        import os, pathlib, time

        if "PYTEST_VERSION" not in os.environ:
            pathlib.Path({str(warm.path)!r}, "began").touch()
            while not pathlib.Path({str(warm.path)!r}, "go").exists():
                time.sleep(0.01)
            print("done")
        """
    installed.add("waiting-pkg", "1.0", {"waitingpkg/__init__.py": waits})
    warm.suite.tests("def test_it():\n    import waitingpkg\n    import plainpkg\n")
    try:
        assert "1 passed" in "".join(warm.run().outlines)
        wait((warm.path / "began").exists)
        assert "1 passed" in "".join(warm.run().outlines)
    finally:
        (warm.path / "go").touch()
    (process,) = warm.processes()
    assert "  left out:     waitingpkg: its import writes something" in warm.tell("status")
    before = warm.suite.executions()["plainpkg"]
    assert warm.run().ret == 0
    assert warm.suite.executions()["plainpkg"] == before
    assert warm.processes() == [process]


def test_a_run_that_needs_a_third_process_is_told_once(warm: WarmSuite, installed) -> None:
    """The first is out of date, and an import that did no harm in it does harm in the second."""
    body = "import os\n\nif os.getenv('READ_BY_IT') == '2':\n    print('hello')\n"
    installed.add("telling-pkg", "1.0", {"tellingpkg.py": body})
    warm.suite.tests("def test_it(): import tellingpkg\n")
    warm.suite.declare(heavy_warm_ignore="READ_BY_IT")
    for value in ("1", "1"):
        assert errors_of(warm.run(READ_BY_IT=value)) == []
        warm.processes()
    (installed.site / "tellingpkg.py").touch()
    result = warm.run(READ_BY_IT="2")
    assert result.parseoutcomes() == {"passed": 1}
    assert [line.rpartition(". ")[2] for line in errors_of(result)] == [ANOTHER]
    assert [line for line in warm.tell("status") if "left out" in line and "tellingpkg" in line]


def test_what_an_import_has_made_is_there_for_each_run(warm: WarmSuite, installed) -> None:
    """A directory that its module deletes when its process ends: that of the warm one."""
    module = """
        import tempfile

        place = tempfile.TemporaryDirectory()
        """
    installed.add("temporary-pkg", "1.0", {"temporarypkg.py": module})
    warm.suite.tests(
        """
        import os, temporarypkg

        def test_it():
            assert os.path.isdir(temporarypkg.place.name)
            with open("places", "a") as places:
                print(temporarypkg.place.name, file=places)
        """
    )
    for _ in range(4):
        assert warm.run().parseoutcomes() == {"passed": 1}
        warm.tell("status")
    *_, third, fourth = (warm.path / "places").read_text(encoding="utf-8").splitlines()
    assert third == fourth
    warm.tell("stop")
    assert not Path(fourth).exists()


def test_a_warning_of_an_import_arrives_in_each_run(warm: WarmSuite, installed) -> None:
    """So it isn't imported before the run."""
    installed.add(
        "warning-pkg", "1.0", {"warningpkg.py": "import warnings\nwarnings.warn('old', DeprecationWarning)\n"}
    )
    warm.suite.tests("import warningpkg\n\ndef test_it(): pass\n")
    for _ in range(3):
        assert warm.run().parseoutcomes() == {"passed": 1, "warnings": 1}
        warm.tell("status")
    assert warm.run("-W", "error").parseoutcomes() == {"errors": 1}


def test_everything_of_a_process_is_the_clients(warm: WarmSuite) -> None:
    """Arguments, directory, mask, limits, niceness, ignored signals, and the flags of the interpreter."""
    expression = (
        "[sys.argv, sys.orig_argv, os.getcwd(), os.umask(0), resource.getrlimit(resource.RLIMIT_NOFILE), os.nice(0),"
        " signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, signal.getsignal(signal.SIGINT) is"
        " signal.default_int_handler, sorted(signal.pthread_sigmask(0, ())), tuple(sys.flags), sys.warnoptions,"
        " sys.path[0], sys.modules['__main__'].__spec__, sys.modules['__main__'].__file__,"
        " sys.stdin.read(), sys.stdout.encoding]"
    )
    warm.suite.tests(TELLS.format(expression=expression))
    shell = f"umask 027; ulimit -n 200; trap '' HUP; exec nice -n 3 {Path(sys.executable).parent}"
    situations = []
    for command in ("pytest", "heavyimports run", "heavyimports run"):
        result = warm.suite._pytester.run(
            "env",
            "-i",
            *(f"{n}={v}" for n, v in warm.environment.items()),
            "PYTHONWARNINGS=default",
            "sh",
            "-c",
            f"{shell}/{command} -s -q -p no:cacheprovider -p pytest_heavyimports.plugin < test_it.py",
        )
        assert result.ret == 0
        situations.append(result.outlines[0].replace("/heavyimports", "/pytest"))
    plain = json.loads(situations[0].removesuffix("."))
    for situation in situations[1:]:
        warm_one = json.loads(situation.removesuffix("."))
        plain[1][0] = warm_one[1][0] = ""
        assert warm_one == plain


def test_chance_is_another_one_in_each_run(warm: WarmSuite) -> None:
    """The seed of ``random`` is drawn when it is imported."""
    warm.suite.declare()
    assert len({told(warm, "random.random()") for _ in range(3)}) == 3


def test_a_hash_seed_that_is_set_is_that_of_the_run(warm: WarmSuite) -> None:
    """It can't be changed in a process: the seed belongs to the key."""
    first, second, third = (told(warm, "hash('x')", PYTHONHASHSEED=seed) for seed in ("1", "2", "1"))
    assert first == third != second


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(("-k", "passes"), 0), (("-k", "fails"), 1), (("-k", "stops"), 2), (("--nonsense",), 4), (("-k", "none"), 5)],
)
def test_the_exit_status_is_that_of_pytest(warm: WarmSuite, arguments: tuple[str, ...], status: int) -> None:
    """And so is what is written, but for the seconds."""
    warm.suite.tests("def test_passes(): pass\ndef test_fails(): assert 0\ndef test_stops(): raise KeyboardInterrupt\n")
    result, plain = warm.run(*arguments), warm.plain(*arguments)
    assert (result.ret, plain.ret) == (status, status)
    assert _without_seconds(result) == _without_seconds(plain)


OFFER = "heavyimports run: this was a warm run; to compare it with a plain one: heavyimports run --verify"


def _without_seconds(result: pytest.RunResult) -> list[str]:
    lines = [line for line in result.outlines + errors_of(result) if not line.startswith(OFFER)]
    return [re.sub(r" in \d+\.\d+s", "", line).strip("= ") for line in lines]


def test_a_crash_of_a_test_ends_the_client_as_it_ended_the_run(warm: WarmSuite) -> None:
    """And nobody else."""
    warm.suite.tests("import os, signal\n\ndef test_it():\n    os.kill(os.getpid(), signal.SIGSEGV)\n")
    assert warm.run("-p", "no:faulthandler").ret == -signal.SIGSEGV
    warm.suite.tests("def test_it(): pass\n")
    assert warm.run().parseoutcomes() == {"passed": 1}


def test_os_exit_in_a_test_is_the_exit_status(warm: WarmSuite) -> None:
    """As of any process."""
    warm.suite.tests("import os\n\ndef test_it():\n    os._exit(7)\n")
    assert warm.run().ret == 7


def test_what_is_to_be_done_at_exit_is_done(warm: WarmSuite) -> None:
    """Threads are waited for, functions of ``atexit`` called, output is flushed; then it ends at once."""
    warm.suite.tests(
        """
        import atexit, sys, threading, time

        def late():
            time.sleep(0.2)
            sys.__stdout__.write("thread\\n")

        def test_it():
            atexit.register(lambda: sys.__stdout__.write("at exit\\n"))
            threading.Thread(target=late).start()
        """
    )
    assert warm.run("-s").outlines[-2:] == ["thread", "at exit"]


def test_what_a_run_has_held_is_free_when_its_client_ends(warm: WarmSuite) -> None:
    """Though the client ends before the process of the run does: its memory takes the kernel a while."""
    warm.suite.tests(
        """
        import fcntl, mmap

        held = open("lock", "w")

        def test_it():
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            global memory
            memory = mmap.mmap(-1, 256 * 2**20)
            memory.write(b"-" * len(memory))
        """
    )
    warm.learn()
    for _ in range(5):
        run = warm.start()
        run.wait(timeout=60)  # not for the end of its output, which comes when all is let go
        with open(warm.path / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert "1 passed" in run.communicate()[0]


def test_the_memory_of_a_gpu_is_free_when_its_client_ends(warm: WarmSuite) -> None:
    """It is only when the process has ended: the client waits for that."""
    warm.suite.write(
        "conftest.py", "from pytest_heavyimports.process import forking\n\nforking.GPU_DEVICES = ('/dev/zero',)\n"
    )
    warm.suite.tests(
        """
        import mmap, os

        def test_it():
            global gpu, memory
            gpu = open("/dev/zero")
            memory = mmap.mmap(-1, 256 * 2**20)
            memory.write(b"-" * len(memory))
            print(os.getpid())
        """
    )
    warm.learn()
    for _ in range(5):
        process = int(warm.run("-s", "-q").outlines[0].removesuffix("."))
        assert not os.path.exists(f"/proc/{process}/fd/0")
        assert not os.path.exists(f"/proc/{process}")


def test_a_test_file_that_computes_at_import_does_not_hang(warm: WarmSuite) -> None:
    """Threads of its own are no matter: nothing is forked after it."""
    warm.suite.tests(
        """
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(4)
        values = list(pool.map(abs, range(100)))

        def test_it():
            assert list(pool.map(abs, range(100))) == values
        """
    )
    for _ in range(3):
        assert warm.run().parseoutcomes() == {"passed": 1}


def test_what_can_not_be_pickled_arrives_in_the_report(warm: WarmSuite) -> None:
    """A user property of any type, in the junit file."""
    warm.suite.tests("def test_it(record_property):\n    record_property('lock', object)\n")
    for _ in range(2):
        assert warm.run("--junitxml=report.xml").ret == 0
        assert "&lt;class 'object'&gt;" in (warm.path / "report.xml").read_text(encoding="utf-8")


def test_last_failed_is_remembered_from_run_to_run(warm: WarmSuite) -> None:
    """By pytest's own cache."""
    warm.suite.tests("def test_a(): assert 0\ndef test_b(): pass\n")
    assert warm.run().parseoutcomes() == {"failed": 1, "passed": 1}
    assert warm.run("--lf").parseoutcomes() == {"failed": 1}


def test_workers_of_xdist_are_started_as_ever(warm: WarmSuite) -> None:
    """``-n`` without ``--heavy-warm``."""
    warm.suite.tests("def test_a(): pass\ndef test_b(): pass\n")
    assert warm.run("-p", "xdist", "-n", "2").parseoutcomes() == {"passed": 2}


def test_coverage_is_that_of_a_plain_run(warm: WarmSuite) -> None:
    """``--cov``, of code under test."""
    warm.suite.write("mine.py", "def used():\n    return 1\n\n\ndef unused():\n    return 2\n")
    warm.suite.tests("import mine\n\ndef test_it():\n    assert mine.used() == 1\n")
    arguments = ("-p", "pytest_cov", "--cov=mine", "-o", "pythonpath=.")
    plain = [line for line in warm.plain(*arguments).outlines if line.startswith(("mine.py", "TOTAL"))]
    assert plain[0].split() == ["mine.py", "4", "1", "75%"]
    for _ in range(3):
        assert [line for line in warm.run(*arguments).outlines if line.startswith(("mine.py", "TOTAL"))] == plain


def test_coverage_that_begins_with_the_process_is_that_of_the_run(warm: WarmSuite) -> None:
    """Where a variable starts it: in the run, not in the warm process."""
    warm.suite.write("mine.py", "def used():\n    return 1\n")
    warm.suite.tests("import mine\n\ndef test_it():\n    assert mine.used() == 1\n")
    settings = warm.suite.write(".coveragerc", "[run]\nsource = .\nparallel = true\n")
    for number in (1, 2):
        assert warm.run("-o", "pythonpath=.", COVERAGE_PROCESS_START=str(settings)).ret == 0
        assert len(list(warm.path.glob(".coverage.*"))) >= number


def test_an_installed_package_of_the_project_itself_is_measured(warm: WarmSuite, installed) -> None:
    """What was installed from a directory is code under test, and not imported before the run."""
    files = {"ownpkg/__init__.py": "from executions import record\nrecord(__name__)\n"}
    installed.add("own-pkg", "1.0", files)
    (installed.site / "own_pkg-1.0.dist-info" / "direct_url.json").write_text('{"url": "file:///src", "dir_info": {}}')
    warm.suite.tests("def test_it():\n    import ownpkg\n")
    for _ in range(3):
        warm.learn()
    assert warm.suite.executions() == {"ownpkg": 3}


def test_a_pipe_that_nobody_reads_ends_the_run_quietly(warm: WarmSuite) -> None:
    """As ``pytest | head -1``."""
    warm.suite.tests("def test_it(): pass\n")
    process = warm.start("-v")
    assert process.stdout and process.stderr
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.wait(60)
    process.stderr.close()


def test_without_standard_input_there_is_none(warm: WarmSuite) -> None:
    """As a plain run has none: ``0<&-``."""
    warm.suite.tests("import sys\n\ndef test_it():\n    assert sys.__stdin__ is None\n")
    line = f"exec {Path(sys.executable).parent}/heavyimports run -p pytest_heavyimports.plugin 0<&-"
    assert os.spawnve(os.P_WAIT, "/bin/sh", ["sh", "-c", f"cd {warm.path} && {line} > out.txt"], warm.environment) == 0


def test_a_file_that_the_shell_has_opened_is_open_in_the_run(warm: WarmSuite) -> None:
    """Under its number: ``--junitxml=/dev/fd/7``."""
    warm.suite.tests("def test_it(): pass\n")
    line = f"exec {Path(sys.executable).parent}/heavyimports run -p pytest_heavyimports.plugin --junitxml=/dev/fd/7"
    shell = f"cd {warm.path} && {line} 7> report.xml > out.txt"
    assert os.spawnve(os.P_WAIT, "/bin/sh", ["sh", "-c", shell], warm.environment) == 0
    assert "<testsuites" in (warm.path / "report.xml").read_text(encoding="utf-8")


def test_the_assertions_of_plugins_and_conftests_are_explained(warm: WarmSuite, installed) -> None:
    """In what a warm process has imported, and in what the run imports."""
    helper = "def check(value):\n    assert value == 2, 'helper'\n"
    installed.add(
        "helping-plugin",
        "1.0",
        {
            "helping/__init__.py": "import pytest\npytest.register_assert_rewrite('helping.late')\n",
            "helping/late.py": helper,
        },
    )
    warm.suite.tests("def test_it():\n    from helping import late\n    late.check(1)\n")
    for _ in range(3):
        result = warm.run("-p", "helping")
        assert "E       assert 1 == 2" in result.outlines, result.outlines
        warm.tell("status")


def test_a_faulty_idle_time_is_a_usage_error(warm: WarmSuite) -> None:
    """Told where it is used."""
    warm.suite.declare("plainpkg", heavy_warm_idle="soon")
    warm.suite.tests("def test_it(): pass\n")
    result = warm.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert errors_of(result) == ["ERROR: heavy_warm_idle: 'soon' is no number of seconds (pytest.ini, [pytest]).", ""]


def test_it_ends_when_nobody_has_used_it_for_as_long_as_it_is_told(warm: WarmSuite) -> None:
    """``heavy_warm_idle``; it leaves nothing behind."""
    warm.suite.declare("plainpkg", heavy_warm_idle="1")
    warm.suite.tests("def test_it(): pass\n")
    assert warm.run().ret == 0
    wait(lambda: not warm.files())


def test_where_no_socket_can_be_the_run_is_a_plain_one(warm: WarmSuite) -> None:
    """And says why."""
    warm.suite.tests("def test_it(): pass\n")
    warm.sockets.mkdir(mode=0o755)
    warm.sockets.chmod(0o755)
    result = warm.run()
    assert result.parseoutcomes() == {"passed": 1}
    assert errors_of(result) == [f"heavyimports run: this is a plain run: {warm.sockets} is not this user's alone."]
    warm.sockets.rmdir()


def test_on_another_platform_the_run_is_a_plain_one(python) -> None:
    """macOS and Windows."""
    code = """
    import sys
    sys.platform = "darwin"
    from pytest_heavyimports.cli import main
    sys.exit(main(["run", "--version", "-p", "no:cacheprovider"]))
    """
    assert python(code).startswith("pytest ")
