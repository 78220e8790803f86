"""Says that a long import is under way, on a terminal, for as long as it takes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PATIENCE_S = 0.5
"""After this, somebody who waits wonders."""

# The cursor stays where pytest has left it, and what is too long for the line is cut off.
_SHOW = "\x1b7\x1b[?7l{}\x1b[?7h\x1b8"
_ERASE = b"\x1b[K"


class Progress:
    """Writes to a terminal of its own, for pytest has the standard output in the meantime."""

    def __init__(self, terminal: int, encoding: str) -> None:
        """*terminal* is a file descriptor of it, which is duplicated; *encoding* that of its characters."""
        self._terminal = os.dup(terminal)
        self._encoding = encoding
        self._lock = threading.Lock()
        self._is_busy = False

    @contextmanager
    def importing(self, fullname: str) -> Iterator[None]:
        """Around an import; what is imported on the way is not told."""
        with self._lock:
            is_outermost, self._is_busy = not self._is_busy, True
        if not is_outermost:
            yield
            return
        is_over = threading.Event()
        thread = threading.Thread(
            target=self._tell, args=(fullname, is_over), name="heavyimports-progress", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
            self._is_busy = False

    def close(self) -> None:
        """Nothing more is to be told."""
        os.close(self._terminal)

    def _tell(self, fullname: str, is_over: threading.Event) -> None:
        if is_over.wait(PATIENCE_S):
            return
        with suppress(OSError):  # the terminal is gone
            os.write(self._terminal, _SHOW.format(f" importing {fullname} {self._dots()}").encode(errors="replace"))
            is_over.wait()
            os.write(self._terminal, _ERASE)

    def _dots(self) -> str:
        try:
            return "…".encode(self._encoding).decode(self._encoding)
        except (UnicodeError, LookupError):
            return "..."
