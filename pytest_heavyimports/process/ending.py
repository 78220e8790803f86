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
    """
    From a trace of faulthandler: the thread that the signal met, innermost line first, without *plumbing*.

    Several processes may have written their traces: it is that of the last one that did more than *plumbing*.
    """
    skipped = ('  File "<frozen ', '  File "<string>', *(f'  File "{Path(file)}' for file in plumbing))
    for text in reversed(trace.split("Current thread ")[1:]):
        lines = [line for line in text.partition("\n\n")[0].splitlines() if line.startswith("  File ")]
        if own := [line.strip() for line in lines if not line.startswith(skipped)]:
            return "\n".join(own[:SHOWN_LINES])
    return ""


def last_lines(text: str) -> str:
    """The last lines of a text, long ones cut."""
    lines = [line if len(line) <= 200 else f"{line[:197]}..." for line in text.rstrip().splitlines()]
    left_out = len(lines) - SHOWN_LINES
    return "\n".join(lines if left_out <= 0 else [f"... ({left_out} more lines)", *lines[-SHOWN_LINES:]])
