"""A long import is told on a terminal."""

from __future__ import annotations

import os
import pty
from collections.abc import Callable, Iterator

import pytest

from pytest_heavyimports.report import progress
from pytest_heavyimports.report.progress import Progress

SHOWN = "\x1b7\x1b[?7l importing torch {}\x1b[?7h\x1b8"
ERASED = "\x1b[K"


@pytest.fixture
def terminal() -> Iterator[tuple[int, Callable[..., str]]]:
    """A terminal, and what is written to it: up to some text, or all that there is."""
    ours, theirs = pty.openpty()

    def written(end: str = "") -> str:
        if not end:
            os.write(theirs, b"|")
        text = b""
        while not text.endswith(end.encode() or b"|"):
            text += os.read(ours, 1000)
        return text.decode() if end else text[:-1].decode()

    yield theirs, written
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(("encoding", "dots"), [("utf-8", "…"), ("ascii", "...")])
def test_it_is_shown_and_erased(
    terminal: tuple[int, Callable[..., str]], monkeypatch: pytest.MonkeyPatch, encoding: str, dots: str
) -> None:
    """After a while, in characters that the terminal has; what is imported on the way is not told."""
    monkeypatch.setattr(progress, "PATIENCE_S", 0.01)
    shown = Progress(terminal[0], encoding)
    with shown.importing("torch"), shown.importing("numpy"):
        assert terminal[1](SHOWN[-2:]) == SHOWN.format(dots)
    shown.close()
    assert terminal[1]() == ERASED


def test_a_short_import_is_not_told(terminal: tuple[int, Callable[..., str]]) -> None:
    """Nor one that fails at once."""
    shown = Progress(terminal[0], "utf-8")
    with pytest.raises(ImportError), shown.importing("torch"):
        raise ImportError
    with shown.importing("torch"):
        pass
    shown.close()
    assert terminal[1]() == ""
