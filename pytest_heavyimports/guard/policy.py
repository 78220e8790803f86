"""What becomes of an attempt to initialise a module again. Pure: nothing here changes anything."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..facts.names import lineage, root
from ..imports.known import KNOWN

if TYPE_CHECKING:
    from .watch import Owner


BY_PROTECT = "(heavy_protect)"
"""Ends the declaration of what is protected, and not declared as a heavy module: nothing preloads it."""


class Verdict(enum.Enum):
    """What the import system does with a request."""

    ALLOW = "allow"
    GIVE_BACK = "give back"
    REFUSE = "refuse"


class Protection:
    """The protected packages: those known to break, the declared ones that are installed, and those asked for."""

    def __init__(
        self, declared: Mapping[str, str], removed: frozenset[str] = frozenset(), insisted: frozenset[str] = frozenset()
    ) -> None:
        """
        Args:
            declared: Package names, each with its declaration.
            removed: Names that are not to be protected.
            insisted: Those of the declared ones that are protected whatever else is thrown out with them.
        """
        self._declared = dict(declared)
        self._insisted = insisted
        self._removed = removed
        self.packages = frozenset({name for name in KNOWN if "." not in name} | self._declared.keys()) - removed
        """The outermost protected names."""
        self.scope = self.packages, removed
        """Two of the same scope cover the same."""
        self._roots = frozenset(map(root, self.packages))
        self._answers: dict[str, bool] = {}

    def covers(self, fullname: str) -> bool:
        """Whether *fullname* or a package that it lies in is protected; of several that apply the innermost decides."""
        answer = self._answers.get(fullname)
        if answer is None:
            answer = self._answers[fullname] = root(fullname) in self._roots and self._is_within_packages(fullname)
        return answer

    def _is_within_packages(self, fullname: str) -> bool:
        if fullname in self._removed or fullname in self.packages:
            return fullname not in self._removed
        parent = fullname.rpartition(".")[0]
        return bool(parent) and self.covers(parent)  # which has been asked for before, as it was imported before

    def is_declared(self, fullname: str) -> bool:
        """Whether somebody asks for it to be protected, by its very name."""
        return fullname in self._declared

    def declaration(self, fullname: str) -> str:
        """The declaration that protects *fullname*, or an empty string."""
        return next((self._declared[name] for name in lineage(fullname) if name in self._declared), "")

    def is_firm(self, fullname: str) -> bool:
        """Whether a module is known to break when it is initialised twice, or somebody has said so."""
        return any(name in KNOWN or name in self._insisted for name in lineage(fullname))


def judge_reload(fullname: str, protection: Protection, mode: str) -> Verdict:
    """What becomes of a reload; *mode* is a value of ``heavy_guard``."""
    if mode == "off" or not protection.covers(fullname):
        return Verdict.ALLOW
    return Verdict.REFUSE if mode == "error" else Verdict.GIVE_BACK


def judge_reimport(owner: Owner, actor: Owner, mode: str) -> Verdict:
    """
    What becomes of an import of a kept module that is missing.

    Args:
        owner: Who displaced it.
        actor: Who is acting now.
        mode: A value of ``heavy_guard``.

    Returns:
        The culprit itself is refused in mode ``error``. Everybody else gets the module back, and so does whoever acts
        before collection or between tests, where there is no test that could fail.
    """
    # A test and its own fixtures are one culprit: they have the same node.
    is_own = "test" in (owner.kind, actor.kind) and owner.place.nodeid == actor.place.nodeid
    is_same = owner == actor or is_own
    is_culprit = is_same and owner.kind in ("file", "fixture", "test")
    return Verdict.REFUSE if mode == "error" and is_culprit else Verdict.GIVE_BACK
