"""A warm process among many clients, rude ones, and signals."""

from __future__ import annotations

import os
import pty
import random
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.warm.client import UNKNOWN_END
from pytest_heavyimports.warm.server import MOST_LOST
from pytest_heavyimports.warm.wire import LIMIT_BYTES, MAGIC, Message

from ..support.suite import unmeasured
from ..support.system import can_populate
from ..support.waiting import wait
from ..support.warm import is_alive
from ..support.warm_errors import errors_of

if TYPE_CHECKING:
    from ..support.warm import WarmSuite

ONE_TEST = "def test_it(): pass\n"
WAITS = """
    import os, pathlib, time

    def test_it():
        pathlib.Path("began").write_text(str(os.getpid()))
        time.sleep(60)
"""


def connect(warm: WarmSuite) -> socket.socket:
    """To the one warm process."""
    (name,) = [file for file in warm.files() if file.endswith(".sock")]
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(30)
    directory = os.open(warm.sockets, os.O_RDONLY)
    client.connect(f"/proc/self/fd/{directory}/{name}")  # the path itself may be too long for a socket
    os.close(directory)
    return client


def children(process: int) -> list[int]:
    """Of a process, zombies too."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]


def runs(process: int) -> list[int]:
    """The runs of a warm process: they have process groups of their own, and the child that waits for one has not."""
    return [child for child in children(process) if os.getpgid(child) != os.getpgid(process)]


def spare(process: int) -> int:
    """The child of a warm process that waits for a run."""
    wait(lambda: not runs(process) and children(process))
    (child,) = children(process)
    return child


def test_ten_clients_at_once_start_one_warm_process(warm: WarmSuite) -> None:
    """And each gets its run."""
    warm.suite.tests(ONE_TEST)
    clients = [warm.start() for _ in range(10)]
    assert ["1 passed" in client.communicate(timeout=120)[0] for client in clients] == [True] * 10
    (process,) = warm.processes()
    assert warm.tell("status")[-1].endswith("10 served, 0 under way")
    wait(lambda: not runs(process))


def test_a_child_that_waits_is_the_next_run(warm: WarmSuite) -> None:
    """Once it is ready, which takes it a moment; until then a run is forked when it is asked for."""
    warm.suite.tests("import os\n\ndef test_it(): print(os.getpid())\n")
    process = warm.learn()
    were_same = []
    while True not in were_same:
        assert len(were_same) < 10
        waiting = spare(process)
        were_same.append(int(warm.run("-s", "-q").outlines[0].removesuffix(".")) == waiting)
    assert spare(process) != waiting


@pytest.mark.skipif(not can_populate(), reason="needs Linux 5.14")
def test_a_child_that_waits_has_the_pages_that_runs_write_to(warm: WarmSuite, installed) -> None:
    """So that the system need not copy them while a test waits for it."""
    data = "data = bytearray(b'x' * 2**24)\n"
    installed.add("large-pkg", "1.0", {"largepkg/__init__.py": data})
    warm.suite.tests(
        """
        import resource

        def test_it():
            import largepkg
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            for first in range(0, len(largepkg.data), 4096):
                assert largepkg.data[first] == ord("x")
                largepkg.data[first] = ord("y")
            print("given:", resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
        """
    )
    process = warm.learn()
    given: list[int] = []
    while not given or given[-1] > 300:
        assert len(given) < 10
        (line,) = [line for line in warm.run("-s").outlines if "given:" in line]
        given.append(int(line.partition("given: ")[2].split()[0]))
        spare(process)  # it is there, and a moment later ready
        time.sleep(0.3)
    assert given[0] > 3000


def test_a_child_that_waits_and_is_killed_is_replaced(warm: WarmSuite) -> None:
    """The next run is right, whether the warm process has seen it or not."""
    warm.suite.tests(ONE_TEST)
    process = warm.learn()
    for _ in range(5):
        os.kill(spare(process), signal.SIGKILL)
        assert warm.run().parseoutcomes() == {"passed": 1}
    assert warm.processes() == [process]
    wait(lambda: len(children(process)) == 1)


def test_a_child_that_dies_each_time_is_not_replaced_for_ever(warm: WarmSuite) -> None:
    """Runs are forked when they are asked for, then."""
    warm.suite.tests(ONE_TEST)
    process = warm.learn()
    killed: list[int] = []
    for _ in range(MOST_LOST):
        wait(lambda: set(children(process)) - {*killed})
        killed.append(spare(process))
        os.kill(killed[-1], signal.SIGKILL)
    wait(lambda: not children(process))
    time.sleep(0.5)
    assert children(process) == []
    assert warm.run().parseoutcomes() == {"passed": 1}
    assert warm.processes() == [process]


def test_a_child_that_waits_ends_with_the_warm_process(warm: WarmSuite) -> None:
    """However that ends."""
    warm.suite.tests(ONE_TEST)
    process = warm.learn()
    first = spare(process)
    warm.tell("stop")
    assert not is_alive(first)
    process = warm.learn()
    second = spare(process)
    os.kill(process, signal.SIGKILL)
    wait(lambda: not is_alive(second))
    warm.learn()  # takes away what is left of it


@pytest.mark.slow
def test_many_runs_some_of_them_killed_leave_nothing_behind(warm: WarmSuite) -> None:
    """200 runs, 20 at once: the others have their own results, and the process doesn't grow."""
    warm.suite.tests(
        """
        import os, time
        import plainpkg

        def test_it():
            time.sleep(0.1)
            assert os.environ["NUMBER"] != "13"
            print("number", os.environ["NUMBER"])
        """
    )
    warm.suite.declare(heavy_warm_ignore="NUMBER")
    assert warm.run(NUMBER="0").ret == 0
    (process,) = warm.processes()
    for number in range(3):
        warm.run(NUMBER=str(number))
    before = memory(process)
    chance = random.Random(20)
    for _ in range(10):
        clients = {str(number): warm.start("-s", NUMBER=str(number)) for number in range(1, 21)}
        killed = chance.sample(sorted(clients), 5)
        for number in killed:
            time.sleep(chance.random() / 10)
            clients[number].kill()
        for number, client in clients.items():
            output, errors = client.communicate(timeout=120)
            if number in killed and client.returncode < 0:
                continue
            assert client.returncode == int(number == "13"), output + errors
            assert f"number {number}\n" in output or number == "13"
            assert all("this was a warm run" in line or "waited" in line for line in errors.splitlines()), errors
    wait(lambda: not runs(process))
    assert len(children(process)) <= 1
    assert warm.processes() == [process]
    assert memory(process) - before < 2**20
    assert [file.rpartition(".")[2] for file in warm.files()] == ["lock", "log", "sock"]


def memory(process: int) -> int:
    """Bytes of the process that are in no file, those that it shares with children too."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text("ascii")
    lines = (line.split() for line in rollup.splitlines())
    return 1024 * sum(int(words[1]) for words in lines if words[0] == "Anonymous:")


def test_a_client_that_is_killed_takes_its_run_along(warm: WarmSuite) -> None:
    """With everything that the run has started."""
    warm.suite.tests(WAITS)
    client = warm.start()
    wait(lambda: (warm.path / "began").exists() and (warm.path / "began").read_text())
    run = int((warm.path / "began").read_text())
    client.kill()
    client.communicate()
    wait(lambda: not is_alive(run))
    (process,) = warm.processes()
    assert runs(process) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 2), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_is_passed_on(warm: WarmSuite, number: signal.Signals, status: int) -> None:
    """Ctrl-C interrupts the session, which tells of it; what ends the run ends the client in the same way."""
    warm.suite.tests(WAITS)
    client = warm.start()
    wait(lambda: (warm.path / "began").exists() and (warm.path / "began").read_text())
    client.send_signal(number)
    output, _ = client.communicate(timeout=60)
    assert client.returncode == status
    assert ("KeyboardInterrupt" in output) == (number == signal.SIGINT)


def test_a_run_that_is_stopped_goes_on_when_it_is_continued(warm: WarmSuite) -> None:
    """Ctrl-Z and ``fg``."""
    warm.suite.tests(WAITS.replace("60", "1"))
    client = warm.start()
    wait(lambda: (warm.path / "began").exists() and (warm.path / "began").read_text())
    run = int((warm.path / "began").read_text())
    client.send_signal(signal.SIGTSTP)
    wait(lambda: state(run) == state(client.pid) == "T")
    client.send_signal(signal.SIGCONT)
    assert "1 passed" in client.communicate(timeout=60)[0]


def state(process: int) -> str:
    """As ps shows it."""
    return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(") ")[2][0]


def test_pdb_talks_to_the_terminal(warm: WarmSuite) -> None:
    """``--pdb`` reads from it and writes to it; the run takes it for one."""
    warm.suite.tests("def test_it():\n    value = 6\n    assert value == 7\n")
    controller, terminal = pty.openpty()
    command = [str(Path(sys.executable).with_name("heavyimports")), "run", "-p", "pytest_heavyimports.plugin"]
    arguments = ["--pdb", "--color=auto"]
    environment = {name: value for name, value in warm.environment.items() if name not in ("PY_COLORS", "NO_COLOR")}
    client = subprocess.Popen(
        [*command, *arguments],
        cwd=warm.path,
        env={**environment, "TERM": "xterm"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    output = _read_until(controller, b"(Pdb) ")
    os.write(controller, b"p value * 7\n")
    output += _read_until(controller, b"(Pdb) ")
    os.write(controller, b"q\n")
    output += _read_until(controller, None)
    client.wait(60)
    os.close(controller)
    assert b"\r\n42\r\n" in output
    assert b"\x1b[31m" in output  # red


def _read_until(file: int, end: bytes | None) -> bytes:
    output = b""
    with suppress(OSError):  # the last one at the other end has closed it
        while end is None or not output.endswith(end):
            output += os.read(file, 4096)
    return output


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        MAGIC + (LIMIT_BYTES + 1).to_bytes(4, "big"),
        MAGIC + (8).to_bytes(4, "big") + (2**31).to_bytes(4, "big") + b"runs",
        Message("run").encode(),
        Message("run", umask="x", files="0").encode(),
        Message("run", umask=0, files="nonsense").encode(),
        Message("signal", number=9, whole=1).encode(),
        Message("nonsense").encode(),
        os.urandom(1000),
    ],
    ids=["http", "long", "overlong-field", "empty", "no-number", "no-files", "no-run", "unknown", "noise"],
)
def test_a_message_that_is_none_ends_its_connection_alone(warm: WarmSuite, sent: bytes) -> None:
    """The next client is served by the same process."""
    warm.suite.tests(ONE_TEST)
    warm.run()
    before = warm.processes()
    with closing(connect(warm)) as client:
        with suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(sent)
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert warm.run().ret == 0
    assert warm.processes() == before


@pytest.mark.slow
def test_half_a_message_keeps_nobody_waiting(warm: WarmSuite) -> None:
    """Its sender is hung up on after a while; others are served meanwhile."""
    warm.suite.tests(ONE_TEST)
    warm.run()
    before = warm.processes()
    with closing(connect(warm)) as client:
        client.sendall(MAGIC)
        assert warm.run().ret == 0
        assert client.recv(1) == b""
    assert warm.processes() == before


def test_the_sockets_are_closed_to_all_others(warm: WarmSuite) -> None:
    """The directory, whatever the umask is."""
    warm.suite.tests(ONE_TEST)
    warm.run()
    assert stat.S_IMODE(warm.sockets.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_gets_nowhere(warm: WarmSuite, tmp_path: Path) -> None:
    """Where the directory lets one through, the process asks the kernel who it is."""
    warm.suite.tests(ONE_TEST)
    warm.run()
    (name,) = [file for file in warm.files() if file.endswith(".sock")]
    shared = Path("/tmp") / f"warm-{os.getpid()}.sock"
    os.link(warm.sockets / name, shared)
    os.chmod(shared, 0o777)
    code = f"""
import os, socket
os.setuid(65534)
client = socket.socket(socket.AF_UNIX)
client.connect({str(shared)!r})
try:
    client.sendall({Message("status").encode()!r})
    print(client.recv(100))
except OSError as error:
    print(b"")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd="/", env=unmeasured(), capture_output=True, text=True)
    shared.unlink()
    assert (done.stdout, done.stderr) == ("b''\n", "")
    assert len(warm.processes()) == 1


def test_a_run_ends_with_its_warm_process(warm: WarmSuite) -> None:
    """While it is under way, it is ended, and what it has done is not done a second time."""
    warm.suite.tests(
        """
        import os, signal

        def test_it():
            os.write(os.open("ran", os.O_CREAT | os.O_APPEND | os.O_WRONLY), b"once")
            assert os.getpgrp() == os.getpid() != os.getsid(0)  # forked
            os.kill(os.getppid(), signal.SIGKILL)
            signal.pause()
        """
    )
    result = warm.run()
    assert result.ret == UNKNOWN_END
    assert errors_of(result) == ["heavyimports run: the warm process has died, and this run with it. Type it again."]
    assert (warm.path / "ran").read_text() == "once"
    warm.tell("stop")
    for file in warm.sockets.iterdir():
        file.unlink()


def test_the_client_imports_next_to_nothing(python: Callable[..., str]) -> None:
    """It is to reach the warm process before an interpreter with pytest would have begun."""
    code = """
    import sys
    before = set(sys.modules)
    import pytest_heavyimports.cli
    import pytest_heavyimports.warm.client
    print(sorted(name for name in set(sys.modules) - before if not name.startswith("pytest_heavyimports")))
    """
    assert set(eval(python(code))) <= {"__future__", "_socket", "atexit"}


def test_what_a_test_writes_to_the_pipe_of_its_run_does_no_harm(warm: WarmSuite) -> None:
    """Messages, and what is none."""
    warm.suite.tests(
        """
        import os, stat
        from pytest_heavyimports.warm.wire import Message

        def test_it():
            pipes, told = [], [os.fstat(number).st_ino for number in (0, 1, 2)]
            for number in map(int, os.listdir("/proc/self/fd")):
                try:
                    facts = os.fstat(number)
                    if stat.S_ISFIFO(facts.st_mode) and facts.st_ino not in told:
                        pipes.append(number)
                except OSError:
                    pass
            for number in pipes:
                os.write(number, Message("pages", numbers="1-2-3").encode())
                os.write(number, Message("pages", numbers=f"0-{2**70}").encode())
                os.write(number, Message("pages", numbers=f"{2**70}-{2**70 + 1}").encode())
                os.write(number, Message("learnt", names=b"\\xff", files="x", rewritten="").encode())
                os.write(number, Message("settings", idle="soon").encode())
                os.write(number, b"anything")
            print("pipes:", len(pipes))
        """
    )
    process = warm.learn("-s")
    result = warm.run("-s")
    assert result.parseoutcomes() == {"passed": 1}
    assert any("pipes: 1" in line for line in result.outlines), result.outlines
    assert warm.run("-s").parseoutcomes() == {"passed": 1}
    assert warm.processes() == [process]
