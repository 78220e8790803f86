"""
What an interpreter does when it takes itself apart, for a process that ends by ``os._exit``. Owns the door ``os.fork``.

The warm process alone forks by itself, see ``warm/server.py``: its children run what it has registered, too.

A child by fork can't end as others do: torch alone takes 0.2 s for it (0.15 s of it in the destructors of C++, measured
with torch 2.13.0), and what its parent has opened is the parent's to close. So the objects that were made since
:func:`freeze` are finalized one by one, and nothing else is. Objects that Python's collector doesn't track, and
suspended generators, are left out.
"""

from __future__ import annotations

# Imports in functions: ctypes takes 5 ms, and may be missing.
import atexit
import gc
import io
import os
import sys
import types
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NoReturn

_FIRST, _TEXT, _OTHER, _BUFFERED, _RAW, _LAST = range(6)
"""The order in which objects are finalized, each before what it writes to: those of classes in Python first."""
_NOTHING_TO_DO = -1
_UNFINISHED = types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType
_BUFFERS = io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom
"""What Python buffers in, whatever is written through."""

_kept: list[Any] = []
"""The buffers that there were when this process was frozen."""


def freeze() -> None:
    """
    Before children are forked: the collector is not to touch, and so to copy, what they share with their parent.

    Reference: ``gc.freeze`` in Python's documentation.
    """
    _kept[:] = flush()
    gc.freeze()


def fork() -> int:
    """
    Fork a child that ends by :func:`end`: what was made before is its parent's to finalize.

    Returns:
        The child's number; 0 in the child.

    Raises:
        OSError: There is no memory, or there are too many processes.
    """
    buffers = flush()
    with warnings.catch_warnings():
        # Python warns of a fork where there are threads, of pytest-xdist for one. As an error, from Python 3.15 on,
        # that would be raised when there is a child already.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process == 0:
        _kept[:] = buffers
        gc.freeze()
        _forget_exit_functions()
    return process


def flush() -> list[Any]:
    """
    Write out what Python and C have buffered: before a fork, or both sides would write it.

    Returns:
        The buffers that there are.
    """
    objects = gc.get_objects()
    kinds = {kind for kind in {*map(type, objects)} if issubclass(kind, _BUFFERS)}
    buffers = [*_kept, *(one for one in objects if type(one) in kinds)]
    _flush(buffers)
    return buffers


def flush_standard_streams() -> bool:
    """Flush ``sys.stdout`` and ``sys.stderr``; whether all that was for ``sys.stdout`` could be written."""
    is_written = True
    for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
        try:
            if stream is not None and not getattr(stream, "closed", True):
                stream.flush()
        except Exception:  # whatever a test has put there
            is_written = is_written and stream is not sys.stdout
    return is_written


def _flush(buffers: list[Any]) -> None:
    # The text first: it writes to the others.
    for one in sorted(buffers, key=lambda one: not issubclass(type(one), io.TextIOWrapper)):
        with suppress(Exception):  # closed, for reading alone, or its reader is gone
            one.flush()
    flush_standard_streams()
    flush_c()


def flush_c() -> None:
    """Flush the streams of C's standard library, ``fflush(NULL)``: ``exit`` does it, and ``_exit`` doesn't."""
    with suppress(ImportError, AttributeError, OSError):  # Windows, or a Python that was built without ctypes
        import ctypes

        ctypes.CDLL(None).fflush(None)


def end(status: int) -> NoReturn:
    """
    End this process, a child by :func:`fork` or an interpreter of our own.

    What coverage has counted is saved, what was registered with ``atexit`` is called, and its objects are finalized.
    """
    for step in (save_coverage, run_exit_functions, finalize):  # coverage stops counting at exit
        with suppress(BaseException):  # whatever a test has done: the others are still to come
            step()
    os._exit(status)


def save_coverage() -> None:
    """Write what coverage has counted in this process to a data file of its own; nothing where it doesn't count."""
    coverage = sys.modules.get("coverage")
    current = coverage.Coverage.current() if coverage else None
    if current:
        with suppress(Exception):  # a test may have stopped it
            current.save()


def finalize() -> None:
    """
    Finalize what was made since :func:`freeze`, and is there still; then write out all that is buffered.

    A text file is written out and closed, a compressed one or an archive gets its end, ``__del__`` is called.
    """
    finalizer = _finalizer()
    standard = set(map(id, _standard_streams()))
    ranks: dict[type, int] = {}
    found: list[list[Any]] = [[] for _ in range(_LAST + 1)]
    for one in gc.get_objects():
        kind = type(one)
        rank = ranks.get(kind)
        if rank is None:
            rank = ranks[kind] = _rank(kind)
        if rank != _NOTHING_TO_DO and id(one) not in standard:
            found[rank].append(one)
    for objects in found:
        for one in objects:
            with suppress(BaseException):
                finalizer(one)
    _flush(_kept)


def _rank(kind: type) -> int:
    bases = type.__dict__["__mro__"].__get__(kind)  # what a metaclass does is not asked for
    names = [type.__dict__["__dict__"].__get__(base) for base in bases]
    finalizer = next((names["__del__"] for names in names if "__del__" in names), None)
    if finalizer is None:
        return _NOTHING_TO_DO
    if kind in _UNFINISHED or kind in (io.StringIO, io.BytesIO):
        return _NOTHING_TO_DO
    if io.TextIOWrapper in bases:
        return _TEXT
    if kind in (io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair, io.BufferedReader):
        return _BUFFERED
    if kind is io.FileIO:
        return _RAW
    if io.IOBase.__mro__[1] in bases:  # that of C, which has no public name
        return _OTHER
    return _FIRST if isinstance(finalizer, types.FunctionType) else _LAST


def run_exit_functions() -> None:
    """Call what was registered with ``atexit``: an exception in one is reported, and the others are called."""
    atexit._run_exitfuncs()


def _standard_streams() -> Iterator[Any]:
    """They and what they write through: the interpreter flushes them, and closes none."""
    for stream in (sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__):
        with suppress(Exception):  # whatever a test has put there
            buffer = getattr(stream, "buffer", None)
            yield from (stream, buffer, getattr(buffer, "raw", None))


def _finalizer() -> Callable[[Any], object]:
    """What calls an object's finalizer, once, and tells of an exception there, as the interpreter does."""
    try:
        import ctypes

        finalizer = ctypes.pythonapi.PyObject_CallFinalizer
    except (ImportError, AttributeError):  # another Python
        return lambda one: type(one).__del__(one)
    finalizer.argtypes = [ctypes.py_object]
    finalizer.restype = None
    return finalizer


def _forget_exit_functions() -> None:
    """In a child by fork: what its parent has registered with ``atexit`` is for its parent to call."""
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        finalizer.atexit = False
    atexit._clear()
    # It registers itself at its first use, which was in the parent. No public name calls what a child adds.
    if getattr(weakref.finalize, "_registered_with_atexit", False):
        atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]
