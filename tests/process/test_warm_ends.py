"""How warm runs end, and what begins them: once, or never."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.warm.client import UNKNOWN_END
from pytest_heavyimports.warm.connection import PLAIN

from ..support.waiting import wait
from ..support.warm_errors import errors_of

if TYPE_CHECKING:
    from ..support.warm import WarmSuite

OPENS = """
    import ctypes, gzip, pathlib

    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    FILE = open("text", "w")

    class Writes:
        def __del__(self):
            pathlib.Path("destructor").write_text("data")

    WRITES = Writes()

    def test_it():
        global ZIPPED, STREAM
        FILE.write("data")
        ZIPPED = gzip.open("zipped", "wb")
        ZIPPED.write(b"data")
        STREAM = libc.fopen(b"stream", b"w")
        libc.fputs(b"data", ctypes.c_void_p(STREAM))
    """
COUNTS = """
    import os

    def test_it():
        with open("ran", "a") as file:
            file.write("x")
    """


def left(warm: WarmSuite) -> dict[str, bytes]:
    """What the suite has left; of what is compressed, what matters is that it has an end."""
    names = ("text", "destructor", "zipped", "stream")
    return {name: (warm.path / name).read_bytes()[-8:] for name in names if (warm.path / name).exists()}


def test_what_is_not_closed_is_written_as_by_a_plain_run(warm: WarmSuite) -> None:
    """By the first run, by the next, which has everything warm, and by a worker."""
    warm.suite.tests(OPENS)
    assert warm.plain().ret == 0
    wanted = left(warm)
    assert len(wanted) == 4 and all(wanted.values())
    if sys.version_info >= (3, 14):  # which loses the end of what is compressed: we don't
        wanted["zipped"] = zlib.crc32(b"data").to_bytes(4, "little") + len(b"data").to_bytes(4, "little")
    for run in (warm.run, warm.run, lambda: warm.plain("-p", "xdist", "-n", "1", "--heavy-warm")):
        for file in wanted:
            (warm.path / file).unlink()
        assert run().ret == 0
        assert left(warm) == wanted


def test_a_file_that_c_code_has_open_is_written_by_the_end_of_the_interpreter(warm: WarmSuite) -> None:
    """Which is slower than ours, and calls what C libraries have registered: a descriptor tells that it is needed."""
    warm.suite.tests(
        """
        import ctypes, os

        def test_it():
            libc = ctypes.CDLL(None)
            os.open("written by C", os.O_CREAT | os.O_WRONLY)
            assert libc.__cxa_atexit(libc.unlink, ctypes.c_char_p(b"written by C"), None) == 0
        """
    )
    assert warm.run().ret == 0
    assert not (warm.path / "written by C").exists()


@pytest.mark.parametrize("number", [signal.SIGWINCH, signal.SIGCONT])
def test_a_signal_at_the_end_changes_nothing(warm: WarmSuite, number: signal.Signals) -> None:
    """Whether it comes to the client, the run or neither: the run has been once, and its status is told."""
    warm.suite.tests(COUNTS)
    warm.learn()
    ran = warm.path / "ran"
    for _ in range(5):
        ran.write_text("")
        with warm.start("-p", "no:cacheprovider") as client:
            wait(lambda: ran.stat().st_size or client.poll() is not None)
            while client.poll() is None:
                client.send_signal(number)
        assert (client.returncode, ran.read_text()) == (0, "x")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_before_a_run_has_started_every_signal_ends_the_client(warm: WarmSuite, number: signal.Signals) -> None:
    """Its warm process is stopped: when that goes on, it begins nothing for a client that is gone."""
    warm.suite.tests(COUNTS)
    process = warm.learn()
    (warm.path / "ran").unlink()
    os.kill(process, signal.SIGSTOP)
    try:
        client = warm.start()
        # It waits for an answer: it has connected, and sent everything.
        wait(lambda: "unix_stream_read_generic" in Path(f"/proc/{client.pid}/wchan").read_text() or _polls(client.pid))
        client.send_signal(number)
        client.communicate(timeout=30)
        assert client.returncode in (-number, 128 + number)
    finally:
        os.kill(process, signal.SIGCONT)
    assert warm.processes() == [process]
    assert not (warm.path / "ran").exists()


def _polls(process: int) -> bool:
    return any(name in Path(f"/proc/{process}/wchan").read_text() for name in ("poll", "wait_for_more_packets"))


def test_a_process_that_does_not_answer_is_named(warm: WarmSuite) -> None:
    """By both commands, which don't wait for it for ever."""
    warm.suite.tests(COUNTS)
    process = warm.learn()
    os.kill(process, signal.SIGSTOP)
    try:
        for command, status in (("status", 0), ("stop", 1)):
            asking = warm.start_command(command)
            output, _ = asking.communicate(timeout=30)
            assert asking.returncode == status
            assert output == (
                f"process {process} does not answer: it is stopped, or imports. 'kill -9 {process}' ends it.\n"
            )
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.mark.slow
def test_ctrl_c_reaches_a_run_whose_warm_process_is_stopped(warm: WarmSuite) -> None:
    """It goes to the run itself; nobody tells how that has ended, and a status that is none of pytest's says so."""
    warm.suite.tests(
        """
        import pathlib, time

        def test_it():
            pathlib.Path("began").touch()
            time.sleep(60)
        """
    )
    client = warm.start()
    wait((warm.path / "began").exists)
    (process,) = warm.processes()
    os.kill(process, signal.SIGSTOP)
    try:
        client.send_signal(signal.SIGINT)
        output, errors = client.communicate(timeout=60)
    finally:
        os.kill(process, signal.SIGCONT)
    assert client.returncode == UNKNOWN_END
    assert "KeyboardInterrupt" in output
    assert f"the run has ended, and the warm process {process} has not answered" in errors


def test_the_end_of_a_run_that_nobody_tells_has_a_status_of_its_own(warm: WarmSuite) -> None:
    """The warm process is killed with the run: whether the tests have passed is not known."""
    warm.suite.tests(
        """
        import os, signal

        def test_it():
            os.kill(os.getppid(), signal.SIGKILL)
            signal.pause()
        """
    )
    result = warm.run()
    assert result.ret == UNKNOWN_END not in list(pytest.ExitCode)
    assert result.errlines[-1] == "heavyimports run: the warm process has died, and this run with it. Type it again."
    warm.suite.tests(COUNTS)
    warm.learn()  # takes away what is left of it


def start(warm: WarmSuite, soft: int, hard: int, high: int = 0) -> subprocess.Popen[bytes]:
    """A client with few files, and perhaps one open of a high number."""

    def limit() -> None:
        if high:
            os.dup2(1, high)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    command = [sys.executable, "-m", "pytest_heavyimports", "run", "-p", "pytest_heavyimports.plugin", "-q"]
    return subprocess.Popen(
        command,
        cwd=warm.path,
        env=warm.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=limit,
        close_fds=not high,
    )


@pytest.mark.parametrize(("soft", "high"), [(24, 0), (24, 60), (64, 63)])
def test_few_files(warm: WarmSuite, soft: int, high: int) -> None:
    """Of the client that starts the warm process: neither it nor the next ones have to suffer from it."""
    warm.suite.tests(COUNTS)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for _ in range(2):
        client = start(warm, soft, hard, high)
        output, errors = client.communicate(timeout=60)
        assert client.returncode == 0, output + errors
    assert warm.run().ret == 0
    assert (warm.path / "ran").read_text() == "xxx"


def test_so_few_files_that_no_process_can_be_shared(warm: WarmSuite) -> None:
    """A hard limit: whatever is done, the tests run once, and later clients are served."""
    warm.suite.tests(COUNTS)
    client = start(warm, 20, 20)
    output, errors = client.communicate(timeout=60)
    assert client.returncode == 0, output + errors
    assert (warm.path / "ran").read_text() == "x"
    assert warm.run().ret == 0


def test_a_lower_limit_is_that_of_its_own_client_alone(warm: WarmSuite) -> None:
    """A process that was started under it can't give others more: one that can takes its place."""
    warm.suite.tests(COUNTS)
    client = start(warm, 256, 256)
    output, errors = client.communicate(timeout=60)
    assert client.returncode == 0, output + errors
    assert "the warm process was started under lower limits. A new one is started" in errors_of(warm.run())[0]
    assert "lower limits" not in "".join(warm.run().errlines)


@pytest.mark.parametrize("argument", ["--help", "--version", "-h", "-V"])
def test_help_leaves_no_process(warm: WarmSuite, argument: str) -> None:
    """It is pytest's own, and no test is run."""
    result = warm.run(argument)
    assert (result.ret, errors_of(result)) == (0, [])
    assert result.outlines == warm.plain(argument).outlines
    assert warm.files() == []


def test_a_harmful_part_is_left_out_alone(warm: WarmSuite, installed) -> None:
    """The rest of its package stays warm, and the process too; it is not tried again."""
    tried = f"""
import os

if "PYTEST_VERSION" not in os.environ:
    with open({str(warm.path / "tried")!r}, "a") as file:
        file.write("x")
"""
    installed.add(
        "partly-harmful",
        "1.0",
        {
            "partly/__init__.py": "",
            "partly/fine.py": "import plainpkg\n",
            "partly/loud/__init__.py": f"{tried}import warnings\nwarnings.warn('old', DeprecationWarning)\n",
            "partly/loud/inner.py": "",
        },
    )
    warm.suite.tests("import partly.fine\n\ndef test_it(): import partly.loud.inner\n")
    process = warm.learn()
    executions = warm.suite.executions()
    for _ in range(2):
        assert warm.learn() == process
    assert warm.suite.executions() == executions
    assert (warm.path / "tried").read_text() == "x"
    assert [line for line in warm.tell("status") if "left out" in line] == [
        "  left out:     partly.loud: its import warns: old"
    ]


def test_a_confined_client_has_a_plain_run(warm: WarmSuite) -> None:
    """It might be forbidden what a warm process may do."""
    warm.suite.tests(COUNTS)
    warm.learn()
    confine = "import ctypes, os, sys; ctypes.CDLL(None).prctl(38, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-m", "pytest_heavyimports", "run", "-p", "pytest_heavyimports.plugin", "-q"]
    done = subprocess.run(
        [sys.executable, "-c", confine, *command],
        cwd=warm.path,
        env=warm.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    if "NoNewPrivs:\t0" in Path("/proc/1/status").read_text():
        assert (
            f"heavyimports run: {PLAIN}it runs in a sandbox (NoNewPrivs 1), and a warm process might not."
            in done.stderr
        )
