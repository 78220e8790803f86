"""
The garbage collector, out of the way of heavy imports. Owns ``gc.disable`` and ``gc.freeze``.

A heavy import makes hundreds of thousands of objects that stay: the collector walks them again and again while they are
made (pausing it saves that), and once more when the interpreter ends (freezing them saves that too).
"""

from __future__ import annotations

import gc
import threading


class CollectorPause:
    """
    A context manager, to be entered around each heavy import, nested and from several threads as it comes.

    The collector stands still from the first entry to the last exit. A collector that was off before stays off.
    """

    def __init__(self, mode: str) -> None:
        """*mode* is a value of ``heavy_gc``; ``freeze`` calls ``gc.freeze()`` at the last exit."""
        self._mode = mode
        self._lock = threading.Lock()
        self._depth = 0
        self._was_enabled = False

    def __enter__(self) -> None:
        if self._mode == "off":
            return
        with self._lock:
            if self._depth == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        if self._mode == "off":
            return
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                if self._mode == "freeze":
                    gc.freeze()
                if self._was_enabled:
                    gc.enable()
