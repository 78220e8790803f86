"""Values handed from room to room."""

from __future__ import annotations

from typing import Any, NamedTuple

from .places import Place


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
    within: str = ""
    """The module whose import has brought it in, so that the cost is in that one's; empty where none is known."""


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
    remedy: str = ""
    """What to type instead, where nobody else is told: before collection."""


class Warned(NamedTuple):
    """A warning of the guard, which pytest shows unless the suite hides warnings."""

    text: str


class FakeKept(NamedTuple):
    """Modules of the code under test that have kept a fake after it was taken out, and were taken out as well."""

    fullnames: tuple[str, ...]
    fake: str
    """The package that it was a fake of."""
    owner: Place
    """Who put it in."""
    is_left: bool
    """True where they were left in place, since another module holds something of them."""


class Autoloaded(NamedTuple):
    """A package for a device that torch has loaded unasked, and called, while it was imported."""

    name: str
    """That of its entry point."""
    distribution: str
    """Its name and version; empty where they are not known."""
    packages: tuple[str, ...]
    """Those that came in by it."""
    duration_s: float
    """Seconds, of its import and its call."""
    rss_growth_bytes: int | None


class Forgotten(NamedTuple):
    """Modules that were imported under the stand-in of a test and are gone with it: the real import is yet to come."""

    fullnames: tuple[str, ...]


class Sighting(NamedTuple):
    """What a guard that only looks on has seen."""

    kind: str
    """again: executed a second time; reload; left: missing, or blocked by ``None``; fake: another object there."""
    fullnames: tuple[str, ...]
    """The one most worth naming first."""
    owner: Place
    """Who did it."""
    how: str = ""
    """The statement, where it is known."""
    again: str = ""
    """Where the module was executed a second time."""
    remedy: str = ""
    """What to type instead; empty where that is not known."""


class Load(NamedTuple):
    """The loading of one module, as it was measured: found, created and executed. All loads of a process are a tree."""

    fullname: str
    importer: int
    """The load that this one was a part of, by its number in the list of its process; -1 where there is none."""
    thread: str
    begin_us: int
    """Microseconds since the process began to measure. A load lies within its importer's, and beside its siblings."""
    end_us: int
    rss_begin_bytes: int | None = None
    """The resident set; ``None`` where the system doesn't tell."""
    rss_end_bytes: int | None = None
    traced_begin_bytes: int | None = None
    """What Python had allocated; ``None`` where tracemalloc is off."""
    traced_end_bytes: int | None = None
    place: Place | None = None
    """Where it was imported; known of heavy modules, and of what no other module imports."""
    error: str = ""
    """The exception's type and text, where it failed."""


class Phase(NamedTuple):
    """A test's setup, call or teardown."""

    nodeid: str
    phase: str
    outcome: str
    begin_us: int
    """As in :class:`Load`."""
    end_us: int


RECORDS: dict[str, Any] = {
    record.__name__: record
    for record in (
        Autoloaded,
        FakeKept,
        Forgotten,
        Import,
        Leak,
        Load,
        Phase,
        Place,
        Reimport,
        Reload,
        Sighting,
        Warned,
    )
}


def as_plain(value: Any) -> Any:
    """A record in texts, numbers, lists and dicts alone, for another process or a file; see :func:`from_plain`."""
    if type(value).__name__ in RECORDS:
        return {"record": type(value).__name__, **{key: as_plain(item) for key, item in value._asdict().items()}}
    return [as_plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def from_plain(plain: Any) -> Any:
    """The record that :func:`as_plain` has made this of."""
    if isinstance(plain, dict):
        fields = {key: from_plain(value) for key, value in plain.items() if key != "record"}
        return RECORDS[plain["record"]](**fields)
    return tuple(map(from_plain, plain)) if isinstance(plain, list) else plain
