"""What becomes of an attempt to initialise a module again. Pure: nothing here changes anything."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from ..names import lineage
from .known import KNOWN


class Verdict(enum.Enum):
    """What the import system does with a request."""

    ALLOW = "allow"
    GIVE_BACK = "give back"
    REFUSE = "refuse"


class Protection:
    """The protected packages: those known to break, and the declared ones that are installed."""

    def __init__(self, declared: Mapping[str, str]) -> None:
        """*declared* has package names, each with its declaration."""
        self._declared = dict(declared)

    def covers(self, fullname: str) -> bool:
        """Whether *fullname* or a package that it lies in is protected."""
        return any(name in KNOWN or name in self._declared for name in lineage(fullname))

    def declaration(self, fullname: str) -> str:
        """The declaration that protects *fullname*, or an empty string."""
        return next((self._declared[name] for name in lineage(fullname) if name in self._declared), "")


def judge_reload(fullname: str, *, protection: Protection, mode: str) -> Verdict:
    """What becomes of a reload; *mode* is a value of ``heavy_guard``."""
    if mode == "off" or not protection.covers(fullname):
        return Verdict.ALLOW
    return Verdict.REFUSE if mode == "error" else Verdict.GIVE_BACK
