"""Values handed from room to room. Named tuples: a dataclass takes five times as long to define, in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
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
