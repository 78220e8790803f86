"""``heavyimports status`` and ``heavyimports stop``."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.warm import WarmSuite


def test_status_tells_what_a_warm_process_is_for_and_what_it_costs(warm: WarmSuite) -> None:
    """Modules with their versions, memory, age, runs."""
    warm.suite.tests("import plainpkg\n\ndef test_it(): pass\n")
    process = warm.learn()
    lines = warm.tell("status")
    assert lines[:3] == [f"process {process}", f"  project:      {warm.path}", f"  interpreter:  {sys.executable}"]
    assert "plainpkg 2.3.1" in lines[3]
    assert re.fullmatch(r"  memory:       \d+ MiB", lines[4])
    assert re.fullmatch(r"  age:          0:00:\d\d", lines[5])
    assert lines[6:] == ["  runs:         1 served, 0 under way"]


def test_where_there_is_none_both_say_so(warm: WarmSuite) -> None:
    """With exit status 0: it is no failure."""
    assert warm.tell("status") == ["There is no warm process."]
    assert warm.tell("stop") == ["There is no warm process."]


def test_stop_ends_each_of_them_and_leaves_nothing_behind(warm: WarmSuite) -> None:
    """No socket, no lock, no process."""
    warm.suite.tests("def test_it(): pass\n")
    warm.run()
    warm.run(OMP_NUM_THREADS="1")
    processes = warm.processes()
    assert warm.tell("stop") == [f"process {process}, for {warm.path}: ends" for process in processes]
    assert warm.files() == []
    _wait(lambda: not any(map(_is_alive, processes)), seconds=5)


def test_stop_lets_a_run_that_is_under_way_end(warm: WarmSuite) -> None:
    """It is told, and the run knows nothing of it."""
    warm.suite.tests(
        """
        import pathlib, time

        def test_it():
            pathlib.Path("began").touch()
            while not pathlib.Path("go").exists():
                time.sleep(0.01)
        """
    )
    run = warm.start()
    _wait(lambda: (warm.path / "began").exists())
    (process,) = warm.processes()
    assert warm.tell("stop") == [f"process {process}, for {warm.path}: ends, after 1 run under way"]
    (warm.path / "go").touch()
    assert "1 passed" in run.communicate(timeout=60)[0]
    assert run.returncode == 0
    _wait(lambda: not _is_alive(process))


def test_the_socket_of_one_that_was_killed_is_taken_away(warm: WarmSuite) -> None:
    """By status, and by the next run, which starts another one."""
    warm.suite.tests("def test_it(): pass\n")
    warm.run()
    (process,) = warm.processes()
    os.kill(process, signal.SIGKILL)
    _wait(lambda: not _is_alive(process))
    assert warm.tell("status") == ["There is no warm process."]
    assert warm.run().ret == 0
    (another,) = warm.processes()
    assert another != process


@pytest.fixture
def trying(warm: WarmSuite, installed: Installed) -> WarmSuite:
    """A suite whose warm process tries an import, which goes on until there is a file ``go``, and does harm then."""
    waits = """
        import os, pathlib, time

        if "PYTEST_VERSION" not in os.environ:
            pathlib.Path(HERE, "began").touch()
            while not pathlib.Path(HERE, "go").exists():
                time.sleep(0.01)
            print("done")
        """
    installed.add("waitingpkg", "1.0", {"waitingpkg/__init__.py": dedent(waits).replace("HERE", repr(str(warm.path)))})
    warm.suite.tests("def test_it(): import waitingpkg\n")
    assert warm.run().ret == 0
    _wait((warm.path / "began").exists)
    return warm


def test_status_waits_for_what_is_tried(trying: WarmSuite) -> None:
    """What does harm is left out, with the reason."""
    asking = trying.start_command("status")
    _wait(lambda: any("socket:" in target for target in _open_files(asking.pid)))
    (trying.path / "go").touch()
    assert "  left out:     waitingpkg: its import writes something\n" in asking.communicate(timeout=60)[0]


def test_stop_does_not_wait_for_what_is_tried(trying: WarmSuite) -> None:
    """Nobody needs it any more."""
    (lock,) = trying.sockets.glob("*.lock")
    process = lock.read_text(encoding="ascii")
    assert trying.tell("stop") == [f"process {process}, for {trying.path}: ends"]


def test_the_commands_tell_their_arguments_and_refuse_others(warm: WarmSuite) -> None:
    """``--help``, exit status 2 for what they don't know."""
    command = [sys.executable, "-m", "pytest_heavyimports"]
    shown = subprocess.run([*command, "status", "--help"], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("usage: heavyimports status [-h]\n")
    assert subprocess.run([*command, "status", "--nonsense"], capture_output=True).returncode == 2
    told = subprocess.run(command, capture_output=True, text=True)
    assert (told.returncode, told.stderr.splitlines()[-1]) == (2, "heavyimports: a command is missing.")
    usage = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "\n  status  show the warm processes\n" in usage


def _is_alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def _open_files(process: int) -> list[str]:
    targets = []
    for file in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            targets.append(os.readlink(file))
    return targets


def _wait(is_done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
