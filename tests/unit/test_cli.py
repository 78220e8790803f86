"""The table of sub-commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_heavyimports import CommandRefused, __version__
from pytest_heavyimports.cli import COMMANDS, usage

from ..support.commands import call_command, run_command


def test_help_tells_each_command(tmp_path: Path) -> None:
    """In a line; it is what is wanted, so the status is 0."""
    done = run_command(tmp_path, "--help")
    assert (done.status, "\n".join(done.out), done.err) == (0, usage(), [])
    assert [line.split()[0] for line in done.out if line.startswith("  ")] == list(COMMANDS)


def test_version(tmp_path: Path) -> None:
    """That of the package."""
    assert call_command(tmp_path, "--version") == (0, [f"heavyimports {__version__}"], [])


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [([], "a command is missing."), (["scam"], f"'scam' is none of {', '.join(COMMANDS)}.")],
)
def test_what_is_no_command_has_status_2(tmp_path: Path, arguments: list[str], fault: str) -> None:
    """With the usage, on stderr."""
    done = call_command(tmp_path, *arguments)
    assert (done.status, done.out, done.err[-1]) == (2, [], f"heavyimports: {fault}")


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"run"}))  # which hands --help on to pytest
def test_each_command_has_a_help(tmp_path: Path, command: str) -> None:
    """With its own name."""
    done = call_command(tmp_path, command, "--help")
    assert done.status == 0
    assert done.out[0].startswith(f"usage: heavyimports {command} ")


def test_a_refusal_tells_fault_and_remedy() -> None:
    """In a line."""
    assert str(CommandRefused("it is not there")) == "it is not there."
    assert str(CommandRefused("it is not there", remedy="Make it.")) == "it is not there. Make it."
