"""The end of a child process in words."""

from __future__ import annotations

import pytest

from pytest_heavyimports.process.ending import end_in_words, last_lines, lines_of_current_thread


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "it ended the process, with exit status 0"),
        (3, "it ended the process, with exit status 3"),
        (-11, "signal SIGSEGV ended the process (Segmentation fault)"),
        (-35, "signal number 35 ended the process (Real-time signal 1)"),
    ],
)
def test_the_status(status: int, words: str) -> None:
    """An exit status, or a signal, one without a name too."""
    assert end_in_words(status) == words


TRACE = """\
Fatal Python error: Aborted

Thread 0x00007f01 (most recent call first):
  File "/other.py", line 1 in other

Current thread 0x00007f02 (most recent call first):
  File "/app.py", line 7 in inner
  File "/plumbing/a.py", line 2 in call
  File "<frozen importlib._bootstrap>", line 241 in _call_with_frames_removed
  File "/test_it.py", line 3 in test_it

Extension modules: numpy (total: 1)
"""


def test_the_thread_that_died() -> None:
    """Without what is of no interest."""
    assert lines_of_current_thread(TRACE, ("/plumbing",)) == (
        'File "/app.py", line 7 in inner\nFile "/test_it.py", line 3 in test_it'
    )
    assert lines_of_current_thread("", ()) == ""


def test_last_lines() -> None:
    """The last fifteen; long ones are cut."""
    assert last_lines("a\nb\n\n") == "a\nb"
    assert last_lines("\n".join(map(str, range(17)))).splitlines()[:2] == ["... (2 more lines)", "2"]
    assert last_lines("x" * 300) == "x" * 197 + "..."
