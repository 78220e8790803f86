"""Counts how often each sample is executed: a line with name and process for each, in the file $EXECUTIONS."""

from __future__ import annotations

import os


def record(fullname: str) -> None:
    """Add a line; without $EXECUTIONS nothing is counted."""
    file = os.environ.get("EXECUTIONS")
    if file:
        with open(file, "a", encoding="utf-8") as log:
            log.write(f"{fullname} {os.getpid()}\n")
