"""The files that a run leaves: which have been written since a tree was first looked at, and what is in them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress

SKIPPED = {".git", ".hg", "__pycache__", "node_modules"}
"""Directories that say nothing of a run; virtual environments are left out as well."""

State = dict[str, str]
"""By path, in words: the size and a digest of what is in it. What is not there has none."""


class Tree:
    """The files below a directory."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._before = dict(self._stamps())

    def written(self) -> State:
        """The state of each file that has been written since, whoever did it."""
        state = {}
        for file, stamp in self._stamps():
            if self._before.get(file) != stamp:
                with suppress(OSError):
                    state[file] = _state(os.path.join(self._directory, file))
        return state

    def _stamps(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for place, directories, files in os.walk(self._directory):
            directories[:] = [
                name for name in directories if name not in SKIPPED and not _is_environment(os.path.join(place, name))
            ]
            for name in files:
                file = os.path.join(place, name)
                with suppress(OSError):
                    facts = os.lstat(file)
                    stamp = (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_mode)
                    yield os.path.relpath(file, self._directory), stamp


def differences(plain: State, again: State, warm: State) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """
    Where a warm run has left something else than a plain one.

    Args:
        plain: The state after a plain run.
        again: After a second one, which shows what is another in each run.
        warm: After a warm one.

    Returns:
        By path, how it is after a plain and a warm run; and the paths that can't be compared.
    """
    unstable = {file for file in plain.keys() | again.keys() if plain.get(file) != again.get(file)}
    # Each run has other names in such a directory.
    restless = {os.path.dirname(file) for file in unstable if (file in plain) != (file in again)}
    found: dict[str, tuple[str, str]] = {}
    left_out: set[str] = set()
    for file in again.keys() | warm.keys():
        one, other = again.get(file, "not there"), warm.get(file, "not there")
        if one != other:
            if file in unstable or (os.path.dirname(file) in restless and "not there" in (one, other)):
                left_out.add(file)
            else:
                found[file] = one, other
    return found, sorted(left_out)


def _is_environment(directory: str) -> bool:
    return os.path.exists(os.path.join(directory, "pyvenv.cfg"))


def _state(file: str) -> str:
    if os.path.islink(file):
        return f"a link to {os.readlink(file)}"
    if not os.path.isfile(file):
        return "no regular file"
    with open(file, "rb") as opened:
        data = opened.read()
    return f"{len(data)} bytes ({hashlib.sha256(data).hexdigest()[:8]})"
