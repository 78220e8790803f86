"""Whether a package was initialised in this process before, but in another interpreter of it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES

from ..facts.distributions import locate


def mapped_extensions() -> frozenset[str]:
    """The files of extension modules that this process has loaded; none where the system doesn't tell."""
    with suppress(OSError), open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        files = (line[line.find("/") :].rstrip("\n") for line in maps if line.endswith(".so\n"))
        return frozenset(file for file in files if file.endswith(tuple(EXTENSION_SUFFIXES)))
    return frozenset()


def is_elsewhere(package: str, mapped: Iterable[str]) -> bool:
    """
    Whether extension modules of a package, of which nothing was imported in this interpreter, were loaded all the same.

    Their C state is that of the interpreter that has loaded them. What they raise in another one differs: no text is
    looked at.

    Args:
        package: Its name.
        mapped: What :func:`mapped_extensions` gave before its import.
    """
    spec = locate(package)
    places = tuple(f"{place}/" for place in (spec and spec.submodule_search_locations) or ())
    return any(file.startswith(places) for file in mapped) if places else False
