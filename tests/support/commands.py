"""The command ``heavyimports``: run in a process of its own, as users run it, or called in this process."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest import mock

# Imported here, before the tests: at the end of a test, pytester removes the modules that came in during it.
from pytest_heavyimports.cli import main


class Done(NamedTuple):
    """The result of a command."""

    status: int
    out: list[str]
    err: list[str]


def run_command(directory: Path, *arguments: str, **environment: str) -> Done:
    """Run it in a directory, in a new interpreter."""
    child = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest_heavyimports", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert "Traceback" not in child.stderr, child.stderr
    return Done(child.returncode, child.stdout.splitlines(), child.stderr.splitlines())


def call_command(directory: Path, *arguments: str, **environment: str) -> Done:
    """Call it in a directory, in this process: for what does not depend on how an interpreter starts."""
    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, environment))
        stack.enter_context(mock.patch.object(sys, "path", ["", *sys.path]))  # as `python -m` has it
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        stack.callback(os.chdir, before)
        os.chdir(directory)
        try:
            status = main(arguments)
        except SystemExit as end:
            status = _exit_status(end.code)
    return Done(status, out.getvalue().splitlines(), err.getvalue().splitlines())


def _exit_status(code: object) -> int:
    """What the interpreter makes of the code of a ``SystemExit``: any object but a number is printed."""
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1
