"""Values handed from room to room. Named tuples: a dataclass takes five times as long to define, in every run."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where in a run something happened."""

    phase: str
    """collect, setup, call or teardown; before and after these a word in plain English ("start-up")."""
    nodeid: str = ""
    """The test, or the file that was collected; empty where there is none."""
    fixture: str = ""
    """The fixture that was set up, where it is known."""
    line: str = ""
    """``file:line`` of the statement, where it is known."""

    def at(self, *, fixture: str = "", line: str = "") -> Place:
        """The same place, told more exactly."""
        return self._replace(fixture=fixture or self.fixture, line=line or self.line)

    def __str__(self) -> str:
        phase = {"collect": "collection"}.get(self.phase, self.phase)
        if self.fixture:
            phase = f"{phase} of fixture {self.fixture!r}"
        where = f"{self.nodeid} ({phase})" if self.nodeid and phase else self.nodeid or phase
        return f"{self.line}, in {where}" if self.line else where


class Import(NamedTuple):
    """The first import of a module in this session."""

    fullname: str
    place: Place
    duration_s: float | None = None
    """Seconds, with everything that it brought in; ``None`` where nobody measured."""
    rss_growth_bytes: int | None = None
    """Growth of the resident set during the import; ``None`` where nobody measured or the system doesn't tell."""
    error: str = ""
    """The exception's type and text, where the import failed."""


class Reload(NamedTuple):
    """A reload of a protected module that was not carried out."""

    fullname: str
    place: Place
    refused: bool
    """True where the caller got ``ReloadRefused``, False where the module was given back with a warning."""


class Reimport(NamedTuple):
    """A kept module that was missing and imported again: given back, or refused."""

    fullname: str
    place: Place
    taken_by: Place
    refused: bool


class Leak(NamedTuple):
    """Modules that somebody left displaced, and that were put back."""

    fullnames: tuple[str, ...]
    """The outermost first."""
    owner: Place
    is_fake: bool
    is_tolerated: bool
    """True for a fake from before collection, which stays: nobody has asked for the real module yet."""
