"""
Processes that have imported nothing. Each is forked from one interpreter, which takes a millisecond.

They are for code that must not find what the tests have imported. ``pytest_heavyimports/pytester/template.py`` can't be
used for it: it has imported pytest, and with it most of what such code could forget to import.

What an interpreter reads when it starts (flags, variables of the dynamic linker, a sitecustomize) needs a new one: use
the fixture ``python``.
"""

from __future__ import annotations

import marshal
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path
from select import POLLIN, poll

from .suite import unmeasured
from .waiting import LIMIT_S

SERVER = Path(__file__).with_name("fresh_server.py")


class Fresh:
    """Runs code in forks of one interpreter, with warnings as errors. Starts it anew where it has ended."""

    def __init__(self) -> None:
        self.limit_s: float = LIMIT_S
        """How long the code may run, in seconds."""
        self._server: subprocess.Popen[bytes] | None = None

    def run(
        self, code: str, arguments: tuple[str, ...], path: tuple[Path, ...], directory: Path, **environment: str
    ) -> str:
        """
        Run code, which must exit with status 0.

        Args:
            code: A program.
            arguments: Its ``sys.argv[1:]``.
            path: Directories to import from, before all others.
            directory: Where it runs.
            environment: Variables to set.

        Returns:
            What the code prints.
        """
        files = [directory / f".{name}-of-code" for name in ("stdout", "stderr")]
        request = [
            textwrap.dedent(code),
            list(arguments),
            [*map(str, path)],
            str(directory),
            {**unmeasured(), **environment},
            *map(str, files),
        ]
        try:
            if self._server is None:
                self._start()
            status = self._ask(request)
        except BaseException:  # Ctrl-C and time-outs too: a late answer would be taken for that of the next request
            self.close()
            raise
        out, err = (file.read_text(encoding="utf-8") for file in files)
        assert status == 0, f"status {status}\n{err}"
        return out

    def close(self) -> None:
        """End the interpreter, and the code that it runs."""
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.communicate()
            self._server = None

    def _start(self) -> None:
        command = [sys.executable, "-W", "error", str(SERVER)]
        self._server = subprocess.Popen(
            command,
            env=unmeasured(),  # coverage imports what code is to be seen to import itself
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._ask(None)  # so that it has started: until then, its command line can't be read

    def _ask(self, request: object) -> object:
        assert self._server
        assert self._server.stdin
        assert self._server.stdout
        with suppress(BrokenPipeError):  # it has ended, which the answer shows
            self._server.stdin.write(marshal.dumps(request))
        poller = poll()
        poller.register(self._server.stdout, POLLIN)
        assert poller.poll(self.limit_s * 1000), f"the code has not ended after {self.limit_s} s"
        answer = self._server.stdout.read(64)
        assert answer, f"the interpreter to fork from has ended, with status {self._server.wait()}"
        return marshal.loads(answer)
