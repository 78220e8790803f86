"""``heavy_runpytest``: runs of ``pytester`` are forked, and come out as those in interpreters of their own."""

from __future__ import annotations

import json
import os
import re
import resource
import select
import signal
import socket
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_heavyimports.pytester.forked import CannotFork, ForkedProcess, ForkedRuns, ForkServer
from pytest_heavyimports.pytester.hooks import fork_runs

from ..support.waiting import wait

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

SUITES = {
    "ordinary": """
        import atexit, multiprocessing, os, random, signal, sys, warnings
        import pytest

        atexit.register(print, "at exit")
        kept = open("kept.txt", "w")
        seen = random.random()

        def test_fails(): assert [1, 2] == [1, 3]
        def test_error(nothing): pass
        def test_skip(): pytest.skip("why not")
        @pytest.mark.xfail
        def test_xpass(): pass

        def test_output(capfd):
            kept.write("nine bytes")
            warnings.warn("told")
            with capfd.disabled():
                print("to stdout")
                print("to stderr", file=sys.stderr)
                os.system("echo by a child")

        def test_start(capfd):
            main = sys.modules["__main__"]
            with capfd.disabled():
                print(sys.argv, sys.orig_argv[1:])
                print(main.__name__, main.__spec__.name, main.__file__)
                print(os.getcwd(), sys.path)
                print(sorted(os.environ.items()))
                print(signal.getsignal(signal.SIGINT), sys.flags, sys.stdout.encoding)
                print(os.listdir("/proc/self/fd"), os.umask(0o22))
                assert sys.__stdin__.read() == ""

        def test_random():
            with open("numbers.txt", "a") as file:
                print(seen, os.urandom(4).hex(), file=file)

        def double(number):
            return 2 * number

        def test_spawned():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                assert pool.map(double, [1, 2]) == [2, 4]
        """,
    "broken": "def test_it(:\n",
    "exit": """
        import pytest

        def test_exit():
            pytest.exit("enough", returncode=77)
        """,
    "hard exit": """
        import os

        def test_exit():
            os._exit(7)
        """,
    "killed": """
        import os, signal

        def test_killed():
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    "interrupted": """
        import os, signal

        def test_interrupted():
            os.kill(os.getpid(), signal.SIGINT)
        """,
}
CHANGING = re.compile(r"in \d+\.\d+s|runpytest-\d+|0x[0-9a-f]+|, 'PYTEST_VERSION'|\('PYTEST_CURRENT_TEST'.*?\), ")


def as_seen(result: pytest.RunResult) -> tuple[object, ...]:
    """What a user sees of a run, without times and temporary names."""
    return result.ret, *([CHANGING.sub("", line) for line in lines] for lines in (result.outlines, result.errlines))


@pytest.mark.parametrize("suite_name", SUITES)
def test_a_forked_run_is_as_one_in_an_interpreter(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, suite_name: str
) -> None:
    """The exit status, each line that it writes, and the files that it leaves."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(test_it=SUITES[suite_name])
    arguments = ("-p", "no:cacheprovider", "--basetemp", pytester.path / "base", "test_it.py")
    (forked, files), (fresh, others) = (
        (run(*arguments), {file.name: file.read_bytes() for file in pytester.path.glob("kept*")})
        for run in (pytester.runpytest, pytester.runpytest_subprocess)
    )
    for one, other in zip(as_seen(forked), as_seen(fresh)):
        assert one == other
    assert files == others
    if suite_name == "ordinary":
        assert len(set((pytester.path / "numbers.txt").read_text(encoding="utf-8").split())) == 4


def test_each_run_imports_anew(suite: Suite) -> None:
    """Nothing of this package is there, nor what an earlier run has imported."""
    suite.tests("import sys, counted\ndef test_it(): assert 'pytest_heavyimports' not in sys.modules")
    for _ in range(2):
        suite.run(ours=False).assert_outcomes(passed=1)
    assert suite.executions() == {"counted": 2}
    assert len(set(suite.executing_processes())) == 2


def test_what_changes_between_runs_is_what_the_next_one_gets(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables, Python's own among them, the directory, the umask and limits."""
    pytester.makepyfile(
        test_it="""
        import os, resource, sys, json

        def test_it():
            mask = os.umask(0)
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            told = [os.environ.get("MINE"), sys.dont_write_bytecode, os.getcwd(), mask, limit, sys.path[1]]
            with open(os.environ["TOLD"], "w") as file:
                json.dump(told, file)
        """
    )
    told = pytester.path / "told.json"
    monkeypatch.setenv("TOLD", str(told))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    elsewhere = pytester.mkdir("elsewhere")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def run() -> list[object]:
        pytester.runpytest("-p", "no:cacheprovider", pytester.path / "test_it.py").assert_outcomes(passed=1)
        found: list[object] = json.loads(told.read_text(encoding="utf-8"))
        return found

    mask = os.umask(0o22)
    os.umask(mask)
    first = run()
    assert first == [None, False, str(pytester.path), mask, limits[0], str(pytester.path)]
    monkeypatch.setenv("MINE", "set")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.chdir(elsewhere)
    os.umask(0o77)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[0] - 1, limits[1]))
    try:
        assert run() == ["set", True, str(elsewhere), 0o77, limits[0] - 1, str(elsewhere)]
    finally:
        os.umask(mask)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.fixture
def endless(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ForkedProcess]]:
    """A suite that doesn't end, and the processes that have been started for it; none is left when the test ends."""
    pytester.makepyfile("import signal\ndef test_it(): signal.pause()")
    started = []

    def start(*given: Any) -> ForkedProcess:
        started.append(real(*given))
        return started[-1]

    with closing(ForkedRuns()) as runs:
        real = runs.start
        monkeypatch.setattr(runs, "start", start)
        fork_runs(pytester, runs)
        yield started
    own = Path(f"/proc/{os.getpid()}")
    wait(lambda: not [each for each in Path("/proc").glob("[0-9]*") if each != own and _is_in(each, pytester.path)])


def _is_in(process: Path, directory: Path) -> bool:
    try:
        return (process / "cwd").readlink() == directory
    except OSError:  # it has just ended
        return False


def test_a_run_that_takes_too_long_is_ended(pytester: pytest.Pytester, endless: list[ForkedProcess]) -> None:
    """As one in an interpreter is."""
    with pytest.raises(pytester.TimeoutExpired):
        pytester.runpytest(timeout=0.01)
    assert [process.returncode for process in endless] == [-signal.SIGKILL]
    assert not Path(f"/proc/{endless[0].pid}").exists()


@pytest.mark.parametrize(("module", "name"), [(socket, "recv_fds"), (select, "poll")])
def test_a_test_that_is_broken_off_ends_its_run(
    pytester: pytest.Pytester, endless: list[ForkedProcess], monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    """By Ctrl-C, or by pytest-timeout, while the run is started or goes on: nobody would wait for it any more."""

    def interrupt(*given: Any) -> None:
        if name == "recv_fds":
            given[0].recv(1, socket.MSG_PEEK)  # the answer is there, and stays unread
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, name, interrupt)
        with pytest.raises(KeyboardInterrupt):
            pytester.runpytest()
    assert [process.returncode for process in endless] == ([-signal.SIGKILL] if name == "poll" else [])


def test_where_the_process_that_forks_has_died(pytester: pytest.Pytester, endless: list[ForkedProcess]) -> None:
    """The status of its run is not known, so none is told; the next run has another process to be forked from."""
    pytester.makepyfile("import os, signal\ndef test_it(): os.kill(os.getppid(), signal.SIGKILL)")
    with pytest.raises(CannotFork, match="has died, so its exit status is not known"):
        pytester.runpytest()
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest().assert_outcomes(passed=1)
    assert len(endless) == 2


PLUGIN_SUITE = """
    import os

    def test_runs(pytester):
        pytester.makeini("[pytest]")
        pytester.makepyfile("import os\\ndef test_it():\\n    print('parent', os.getppid(), flush=True)")
        told = []
        for run in (pytester.runpytest, pytester.runpytest_subprocess):
            result = run("-s", "-p", "no:cacheprovider")
            result.assert_outcomes(passed=1)
            (line,) = [line for line in result.outlines if "parent" in line]
            told.append(line.split()[-1])
        with open(os.environ["TOLD"], "a") as file:
            print(*(parent.rstrip(".") == str(os.getpid()) for parent in told), file=file)
    """


@pytest.mark.parametrize(
    ("setting", "is_own_child"),
    [
        ("fork", [False, True]),
        ("fork-all", [False, False]),
    ],
)
def test_which_runs_are_forked(suite: Suite, setting: str, is_own_child: list[bool]) -> None:
    """``runpytest()`` alone, or ``runpytest_subprocess()`` as well: a forked one is a child of the template."""
    suite.tests(PLUGIN_SUITE)
    told = suite.path / "told.txt"
    suite.run("-p", "pytester", f"--heavy-runpytest={setting}", TOLD=str(told)).assert_outcomes(passed=1)
    assert told.read_text(encoding="utf-8").split() == [str(value) for value in is_own_child]


def test_without_the_setting_nothing_is_changed(suite: Suite) -> None:
    """``pytester`` is pytest's own."""
    suite.tests(
        """
        import sys

        def test_it(pytester):
            assert not {"popen", "runpytest"} & vars(pytester).keys()
            assert "pytest_heavyimports.pytester" not in sys.modules
        """
    )
    suite.run("-p", "pytester").assert_outcomes(passed=1)


def test_a_run_that_is_given_objects_stays_in_the_process(pytester: pytest.Pytester) -> None:
    """A plugin that is an object can't be sent anywhere."""

    configured = []

    class Plugin:
        def pytest_configure(self) -> None:
            configured.append(os.getpid())

    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest(plugins=[Plugin()]).assert_outcomes(passed=1)
    assert configured == [os.getpid()]
    pytester.plugins = [Plugin()]  # pytest itself uses these in none of its runs, and refuses them in a subprocess
    pytester.runpytest(syspathinsert=True).assert_outcomes(passed=1)


def test_preloaded_modules_are_imported_once(suite: Suite, installed: Installed) -> None:
    """With ``heavy_preload``, for all runs: those who need them find them."""
    suite.declare("plainpkg", heavy_preload="true", heavy_runpytest="fork")
    suite.tests(
        """
        import pytest

        @pytest.mark.parametrize("number", range(3))
        def test_it(pytester, number):
            pytester.makepyfile("import plainpkg\\ndef test_it(): assert plainpkg.answer == 42")
            pytester.runpytest("-p", "no:heavyimports").assert_outcomes(passed=1)
        """
    )
    suite.run("-p", "pytester", path=(installed.site,), **installed.environment).assert_outcomes(passed=3)
    assert suite.executions()["plainpkg"] == 2  # by the run with the setting, and by its template


def test_what_python_imports_when_it_starts_needs_an_interpreter(
    pytester: pytest.Pytester,
) -> None:
    """A ``sitecustomize.py`` is executed."""
    pytester.makepyfile(sitecustomize="import sys\nsys.customized = True")
    pytester.makepyfile("import sys\ndef test_it(): assert sys.customized")
    pytester.runpytest().assert_outcomes(passed=1)


def test_where_none_can_be_forked_an_interpreter_runs_it(suite: Suite) -> None:
    """A preloaded module has started a thread, which no child has: one warning says so, and the runs are right."""
    suite.write(
        "threaded.py",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True, name='asleep').start()",
    )
    suite.tests(
        """
        import pytest
        from pytest_heavyimports import HeavyImportWarning
        from pytest_heavyimports.pytester.forked import ForkedRuns
        from pytest_heavyimports.pytester.hooks import fork_runs

        def test_it(pytester):
            fork_runs(pytester, ForkedRuns(["threaded"]))
            pytester.makepyfile("def test_it(): pass")
            with pytest.warns(HeavyImportWarning) as told:
                for _ in range(3):
                    pytester.runpytest().assert_outcomes(passed=1)
            (warning,) = told
            assert str(warning.message) == (
                "heavy_runpytest: pytester runs pytest in a new interpreter, because it can't fork: "
                "a preloaded module has started a thread (asleep)."
            )
        """
    )
    suite.run("-p", "pytester", path=(suite.path,)).assert_outcomes(passed=1)


def test_an_interruption_while_the_status_is_asked_for(
    pytester: pytest.Pytester, endless: list[ForkedProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run doesn't get the status of this one."""
    pytester.makepyfile("import os\ndef test_it(): os._exit(7)")

    def interrupt(template: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ForkServer, "_answer", interrupt)
        with pytest.raises(KeyboardInterrupt):
            pytester.runpytest()
    pytester.makepyfile("import os\ndef test_it(): os._exit(8)")
    assert pytester.runpytest().ret == 8


def test_a_large_environment(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger than what a socket takes at once."""
    for number in range(10):
        monkeypatch.setenv(f"LARGE_{number}", "x" * 100_000)
    pytester.makepyfile("import os\ndef test_it(): assert len(os.environ['LARGE_9']) == 100_000")
    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "files",
    [
        {"code.py": "mine = 1", "test_it.py": "import code\ndef test_it(): assert code.mine"},
        {"email/__init__.py": "raise SystemExit(3)", "test_it.py": "def test_it(): pass"},
        {"pluggy.py": "raise SystemExit(4)", "test_it.py": "def test_it(): pass"},
        {"email/notes.txt": "", "test_it.py": "import email\ndef test_it(): assert email.__file__"},
    ],
)
def test_a_module_in_the_directory_comes_first(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    """Of a name that pytest itself imports: Python's own, or pytest's, would be there already."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name, text in files.items():
        (pytester.path / name).parent.mkdir(exist_ok=True)
        (pytester.path / name).write_text(text, encoding="utf-8")
    forked, fresh = pytester.runpytest(), pytester.runpytest_subprocess()
    assert as_seen(forked) == as_seen(fresh)


def test_other_files_of_such_names_are_no_modules(pytester: pytest.Pytester, endless: list[ForkedProcess]) -> None:
    """``pytest.ini`` lies in most directories."""
    for name in ("pytest.ini", "code.txt", "email.json"):
        (pytester.path / name).touch()
    pytester.makepyfile("import os\ndef test_it(): assert b'template.py' in open('/proc/self/cmdline', 'rb').read()")
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_customization_in_an_archive(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python imports ``sitecustomize`` from a zip file, too."""
    with zipfile.ZipFile(pytester.path / "archive.zip", "w") as archive:
        archive.writestr("sitecustomize.py", "import sys\nsys.customized = True")
    monkeypatch.setenv("PYTHONPATH", "archive.zip")
    pytester.makepyfile("import sys\ndef test_it(): assert sys.customized")
    pytester.runpytest().assert_outcomes(passed=1)


def test_coverage_that_starts_with_the_process(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its data go where those of an interpreter go."""
    monkeypatch.setenv("COVERAGE_PROCESS_START", "settings.ini")
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    (pytester.path / "settings.ini").write_text("[run]\nparallel = true\n", encoding="utf-8")
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest().assert_outcomes(passed=1)
    assert len(list(pytester.path.glob(".coverage.*"))) == 1


def test_runs_of_several_threads(pytester: pytest.Pytester, endless: list[ForkedProcess]) -> None:
    """Each gets the status of its own."""
    pytester.makepyfile("import os\ndef test_it(): os._exit(int(os.environ['STATUS']))")
    command = [sys.executable, "-mpytest", "-p", "no:cacheprovider"]
    with closing(ForkedRuns()) as runs, open(os.devnull, "w") as sink:

        def status(number: int) -> int:
            environment = {**os.environ, "STATUS": str(number)}
            return runs.start(command, environment, sink.fileno(), sink.fileno()).wait()

        with ThreadPoolExecutor(6) as threads:
            assert list(threads.map(status, range(12))) == list(range(12))


@pytest.mark.parametrize("number", [signal.SIGCHLD, signal.SIGTERM])
def test_an_ignored_signal(pytester: pytest.Pytester, number: signal.Signals) -> None:
    """It is ignored in the run, too; the status is known all the same."""
    pytester.makepyfile(
        f"import os, signal\ndef test_it():\n assert signal.getsignal({int(number)}) == signal.SIG_IGN\n os._exit(7)"
    )
    before = signal.signal(number, signal.SIG_IGN)
    try:
        assert pytester.runpytest().ret == 7
    finally:
        signal.signal(number, before)


def test_a_process_that_has_a_copy_of_the_socket(pytester: pytest.Pytester) -> None:
    """A daemon that a test has left, say: the template ends by itself all the same, and isn't killed after a while."""
    pytester.makepyfile("def test_it(): pass")
    with closing(ForkedRuns()) as runs:
        fork_runs(pytester, runs)
        pytester.runpytest().assert_outcomes(passed=1)
        (template,) = runs._templates.values()
        pid = os.fork()
        if not pid:
            signal.pause()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert template._process.returncode == 0


def test_at_most_four_processes_are_kept(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each set of what Python reads when it starts; the one that was used least recently ends."""
    pytester.makepyfile("import os\ndef test_it(): open('parents', 'a').write(f'{os.getppid()}\\n')")
    with closing(ForkedRuns()) as runs:
        fork_runs(pytester, runs)
        for seed in "1234151":
            monkeypatch.setenv("PYTHONHASHSEED", seed)
            pytester.runpytest().assert_outcomes(passed=1)
        parents = (pytester.path / "parents").read_text(encoding="utf-8").split()
        assert parents[0] == parents[4] == parents[6]
        assert len(set(parents)) == 5
        wait(lambda: [Path(f"/proc/{parent}").exists() for parent in parents[:4]] == [True, False, True, True])
    assert not any(Path(f"/proc/{parent}").exists() for parent in parents)


def test_the_legacy_fixture_forks_too(suite: Suite) -> None:
    """``testdir`` runs by ``pytester``."""
    suite.tests(
        """
        def test_it(testdir):
            testdir.makepyfile("import os\\ndef test_it(): open('parent', 'w').write(str(os.getppid()))")
            testdir.runpytest().assert_outcomes(passed=1)
            parent = testdir.tmpdir.join("parent").read()
            assert b"pytester/template.py" in open(f"/proc/{parent}/cmdline", "rb").read()
        """
    )
    suite.run("-p", "pytester", "--heavy-runpytest=fork").assert_outcomes(passed=1)


@pytest.mark.parametrize("is_killed", [False, True])
def test_templates_end_with_the_run(suite: Suite, is_killed: bool) -> None:
    """Also where it is killed."""
    suite.declare(heavy_runpytest="fork")
    told = suite.path / "told.txt"
    suite.tests(
        f"""
        import os, signal

        def test_it(pytester):
            pytester.makepyfile("import os\\ndef test_it(): open({str(told)!r}, 'w').write(str(os.getppid()))")
            pytester.runpytest()
            if {is_killed}:
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert suite.run("-p", "pytester").ret == (-signal.SIGKILL if is_killed else 0)
    template = told.read_text(encoding="utf-8")
    wait(lambda: not Path(f"/proc/{template}").exists())
