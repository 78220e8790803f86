"""The environment of processes that are started for a question, and not for the run."""

from __future__ import annotations

import os

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
