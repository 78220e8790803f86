"""What stands for an interpreter that execnet starts, where it can't ask a warm process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.errors import NoWarmProcess
from pytest_heavyimports.warm import client, connection, worker

if TYPE_CHECKING:
    from pytest_heavyimports.warm.wire import Message

PROGRAM = "import sys; from pytest_heavyimports.warm import worker; sys.exit(worker.main())"
WORKER = "import os, sys; print(os.getpid(), sys.flags.dev_mode)"


def start(place: Path, *arguments: str) -> tuple[int, str, str]:
    """Its process, its output and its errors; it ends well."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(place), "0" * 32, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONDEVMODE"},
    )
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return process.pid, output, errors


def test_it_is_a_plain_one_where_the_warm_process_has_ended(tmp_path: Path) -> None:
    """In the same process, with the same arguments; a line says so."""
    place = tmp_path / "sockets"
    process, output, errors = start(place, "-X", "dev", "-c", WORKER)
    assert output == f"{process} True\n"
    assert errors == "--heavy-warm: this worker is a plain one: the warm process has ended.\n"
    assert os.listdir(place) == []


def test_it_is_a_plain_one_where_the_sockets_are_open_to_others(tmp_path: Path) -> None:
    """Nobody is asked there."""
    place = tmp_path / "sockets"
    place.mkdir()
    place.chmod(0o755)
    process, output, errors = start(place, "-c", WORKER)
    assert output == f"{process} False\n"
    assert errors == f"--heavy-warm: this worker is a plain one: {place} is not this user's alone.\n"


class Executed(Exception):
    """In the place of ``execv``, which doesn't return."""


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """This process as a worker's, which asks a warm process that is none; what it has asked for."""
    asked: list[Message] = []

    def execute(file: str, arguments: list[str]) -> None:
        raise Executed(file, *arguments)

    def accompany(_: object, request: Message, __: object) -> int:
        asked.append(request)
        return 5 << 8

    monkeypatch.setattr(os, "execv", execute)
    monkeypatch.setattr(sys, "argv", ["worker.py", str(tmp_path / "sockets"), "name", "-u", "-c", "code"])
    monkeypatch.setattr(connection, "connect", lambda *_: object())
    monkeypatch.setattr(client, "sandbox", lambda: "")
    monkeypatch.setattr(client, "accompany", accompany)
    monkeypatch.setattr(client, "end_as", lambda status: status >> 8)
    return asked


def test_it_ends_as_the_child_that_stands_for_it(called: list[Message]) -> None:
    """Which is given the interpreter's arguments."""
    assert worker.main() == 5
    assert [request.parts("arguments") for request in called] == [[b"-u", b"-c", b"code"]]


def test_in_a_sandbox_it_is_a_plain_one(
    called: list[Message], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The warm process might be allowed more."""
    monkeypatch.setattr(client, "sandbox", lambda: "it runs in a sandbox")
    with pytest.raises(Executed) as execution:
        worker.main()
    assert execution.value.args == (sys.executable, sys.executable, "-u", "-c", "code")
    assert capsys.readouterr().err == "--heavy-warm: this worker is a plain one: it runs in a sandbox.\n"
    assert called == []


def test_what_has_begun_is_not_begun_again(called: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest-xdist sees a worker that has crashed."""

    def accompany(*_: object) -> int:
        raise NoWarmProcess("the warm process has died, and this run with it", has_begun=True)

    monkeypatch.setattr(client, "accompany", accompany)
    assert worker.main() == client.UNKNOWN_END
    assert called == []
