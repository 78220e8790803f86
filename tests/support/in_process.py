"""The command ``heavyimports``, called in this process."""

from __future__ import annotations

import io
import os
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

# pytester forgets what a test has imported first: here, so that it is not imported anew in each test.
import pytest_heavyimports.scan.fix
import pytest_heavyimports.scan.output
import pytest_heavyimports.scan.split
import pytest_heavyimports.scan_commands  # noqa: F401
from pytest_heavyimports.cli import main

from .commands import Done


def heavyimports(directory: Path, *arguments: str, **environment: str) -> Done:
    """Call it in a directory."""
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
        except SystemExit as error:  # of argparse
            status = int(error.code or 0)
    return Done(status, out.getvalue().splitlines(), err.getvalue().splitlines())
