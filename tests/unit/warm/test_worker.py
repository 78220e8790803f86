"""What stands for an interpreter that execnet starts, where it can't ask a warm process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
