"""
Processes that have imported nothing, for a millisecond each: forked from one interpreter that was started once.

For code that must not find what the tests have imported. What is read when an interpreter starts (flags, variables of
the dynamic linker, a sitecustomize) needs a real one: the fixture ``python``.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
import textwrap
from pathlib import Path

SERVER = Path(__file__).with_name("fresh_server.py")


class Fresh:
    """Runs code in forks of one interpreter, warnings as errors."""

    def __init__(self, *preloaded: str) -> None:
        """
        Args:
            preloaded: Modules that the interpreter has imported.
        """
        command = [sys.executable, "-W", "error", str(SERVER), *preloaded]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(
        self, code: str, arguments: tuple[str, ...], path: tuple[Path, ...], directory: Path, **environment: str
    ) -> str:
        """
        What the code prints; it must end well.

        Args:
            code: A program.
            arguments: Its ``sys.argv[1:]``.
            path: Directories to import from, before all others.
            directory: Where it runs.
            environment: Variables to set.
        """
        files = [directory / f".{name}-of-code" for name in ("stdout", "stderr")]
        variables = {**os.environ, **environment}
        assert self._server.stdin
        assert self._server.stdout
        request = [
            textwrap.dedent(code),
            list(arguments),
            [*map(str, path)],
            str(directory),
            variables,
            *map(str, files),
        ]
        self._server.stdin.write(marshal.dumps(request))
        self._server.stdin.flush()
        status = marshal.load(self._server.stdout)
        out, err = (file.read_text(encoding="utf-8") for file in files)
        assert status == 0, err
        return out

    def close(self) -> None:
        """End the interpreter."""
        self._server.communicate()
