"""The end of a child process in words: its status, the last of its output, and where it was."""

from __future__ import annotations

import signal
from pathlib import Path

SHOWN_LINES = 15


def end_in_words(status: int) -> str:
    """What ended a process. *status* is as in ``subprocess``: the exit status, or the signal as a negative number."""
    if status >= 0:
        return f"it ended the process, with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"number {-status}"
    return f"signal {name} ended the process ({signal.strsignal(-status)})"


def lines_of_current_thread(trace: str, plumbing: tuple[str, ...]) -> str:
    """From a trace of faulthandler: the thread that the signal met, innermost line first, without *plumbing*."""
    thread = trace.rpartition("Current thread ")[2].partition("\n\n")[0]
    skipped = ('  File "<frozen ', '  File "<string>', *(f'  File "{Path(file)}' for file in plumbing))
    lines = [line for line in thread.splitlines() if line.startswith("  File ") and not line.startswith(skipped)]
    return "\n".join(line.strip() for line in lines[:SHOWN_LINES])


def last_lines(text: str) -> str:
    """The last lines of a text, long ones cut."""
    lines = [line if len(line) <= 200 else f"{line[:197]}..." for line in text.rstrip().splitlines()]
    left_out = len(lines) - SHOWN_LINES
    return "\n".join(lines if left_out <= 0 else [f"... ({left_out} more lines)", *lines[-SHOWN_LINES:]])
