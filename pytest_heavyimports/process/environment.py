"""
The environment and the umask of processes. Owns ``os.environ`` and ``os.umask``.

But for what a process does to itself that is to become another one: the child of a warm process, and of a template.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

# What pytest, xdist and coverage put there for themselves. Coverage would start in the child: what it imports could
# not be told from what the interpreter imports when it starts.
_OF_THE_RUN = (
    "PYTEST_CURRENT_TEST PYTEST_VERSION PYTEST_XDIST_WORKER PYTEST_XDIST_WORKER_COUNT PYTEST_XDIST_TESTRUNUID "
    "COVERAGE_PROCESS_START COVERAGE_PROCESS_CONFIG "
    "COV_CORE_SOURCE COV_CORE_CONFIG COV_CORE_DATAFILE COV_CORE_BRANCH COV_CORE_CONTEXT"
).split()


def child_environment() -> dict[str, str]:
    """The environment as it is, without what tells of the test run."""
    return {name: value for name, value in os.environ.items() if name not in _OF_THE_RUN}


def set_variable(name: str, value: str | None) -> None:
    """Set it, or delete it where there is no value."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def set_variables(values: Mapping[str, str | None]) -> Callable[[], None]:
    """Set variables, or delete those without a value; gives what puts back those that were there."""
    before = {name: os.environ.get(name) for name in values}

    def put_back() -> None:
        for name, value in before.items():
            set_variable(name, value)

    for name, value in values.items():
        set_variable(name, value)
    return put_back


def current_umask() -> int:
    """This process's: read where that can be done, since other threads see what is set to ask for it."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            return next(int(line.split()[1], 8) for line in status if line.startswith("Umask:"))
    except (OSError, StopIteration):
        mask = os.umask(0)
        os.umask(mask)
        return mask
