"""
What a fresh interpreter executes: pytest, started as the one that has started this; then see ``fresh_hooks.py``.

Run as a script that imports nothing of ours before pytest has begun, as pytest warns of plugins that it can't rewrite
any more. The arguments are descriptors: of a file with the setup, of the wire, of the pipe for reports, of the file for
faulthandler.
"""

from __future__ import annotations

# Imports in functions: pytest is to begin first, and warns of plugins that were imported before.
import marshal
import os
import sys
from typing import Any


def main() -> None:
    """Run pytest, which does not return where all goes well."""
    os.environ.pop("HEAVYIMPORTS_ISOLATED", None)  # for whoever looks for processes that a test has left
    setup_fd, *descriptors = map(int, sys.argv[1:])
    leave_terminal()
    with open(setup_fd, "rb") as file:
        setup: dict[str, Any] = marshal.load(file)
    for fd in descriptors:
        os.set_inheritable(fd, False)
    os.chdir(setup["directory"])
    sys.path[:] = setup["path"]
    sys.argv[:] = [setup["argv0"], *setup["arguments"]]
    if setup["coverage"]:
        count_coverage(setup["coverage"])

    import pytest

    class Start:
        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_cmdline_parse(self) -> Any:
            config = yield
            from pytest_heavyimports.isolation.fresh_hooks import begin

            begin(config, setup, *descriptors)
            return config

    sys.exit(pytest.main(setup["arguments"], plugins=[Start()]))


def leave_terminal() -> None:
    """
    Have no controlling terminal, and get none by opening one, as the leader of a session would.

    Reference: ioctl_tty(2), ``TIOCNOTTY``.
    """
    import fcntl
    import termios

    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return  # there is none
    fcntl.ioctl(terminal, termios.TIOCNOTTY)
    os.close(terminal)


def count_coverage(options: dict[str, Any]) -> None:
    """As in the parent, where nothing has begun to count already (coverage's ``patch = subprocess``)."""
    import coverage

    if coverage.Coverage.current() is None:
        given = {name.partition(":")[2]: value for name, value in options.items()}
        coverage.Coverage(config_file=False, data_suffix=True, **given).start()


if __name__ == "__main__":
    main()
