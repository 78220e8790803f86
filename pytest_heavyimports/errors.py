"""Every exception and warning of the package. Imports nothing of ours, and not pytest."""

from __future__ import annotations

from typing import ClassVar


class HeavyImportsError(RuntimeError):
    """
    Base of all errors here: a ``RuntimeError``, as torch's own is.

    Never an ``ImportError``: ``try: import torch / except ImportError: torch = None`` in the code under test would
    swallow it. Positional arguments are in ``args`` and keywords are attributes, so that each can be pickled.
    """

    slug: ClassVar[str] = "heavy-imports-error"


class InvalidDeclaration(HeavyImportsError):
    """A line of ``heavy_modules``, or a name given to ``heavy_module``, that can't be read."""

    slug = "invalid-declaration"

    def __init__(self, line: str, *, fault: str = "", remedy: str = "") -> None:
        super().__init__(line)
        self.line = line
        self.fault = fault
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.line!r} can't be read: {self.fault}.", self.remedy) if part)


class HeavyModuleMissing(HeavyImportsError):
    """A heavy module is not installed, or too old. Inside a test it is told as a skip or a failure."""

    slug = "heavy-module-missing"

    def __init__(self, fullname: str, *, fault: str = "", declared: str = "") -> None:
        super().__init__(fullname)
        self.fullname = fullname
        self.fault = fault
        self.declared = declared

    def __str__(self) -> str:
        return f"{self.fault}; declared as {self.declared}" if self.declared else self.fault


class ReloadRefused(HeavyImportsError):
    """Somebody asked to reload a module that can't be initialised twice in a process."""

    slug = "reload-refused"

    def __init__(self, fullname: str, *, first: str = "", again: str = "", why: str = "") -> None:
        super().__init__(fullname)
        self.fullname = fullname
        self.first = first
        self.again = again
        self.why = why

    def __str__(self) -> str:
        return _facts(
            f"{self.fullname!r} was about to be reloaded, which would initialise it a second time in this process.",
            {"first": self.first, "reload": self.again, "why": self.why},
            RELOAD_REMEDY,
        )


class HeavyImportWarning(UserWarning):
    """The guard put something right that would have broken the process; the message names the place."""

    slug: ClassVar[str] = "heavy-import-warning"


RELOAD_REMEDY = """\
To change a module for one test, use monkeypatch.setattr, which puts it back. To run its import again, do that in a
process of its own: subprocess.run([sys.executable, "-c", ...])."""


def reload_ignored(fullname: str, *, first: str = "", again: str = "", why: str = "") -> HeavyImportWarning:
    """The warning in place of :class:`ReloadRefused` where the guard gives the module back instead."""
    return HeavyImportWarning(
        _facts(
            f"{fullname!r} was not reloaded: the module was given back as it is.",
            {"first": first, "reload": again, "why": why},
            RELOAD_REMEDY,
        )
    )


def _facts(headline: str, facts: dict[str, str], remedy: str) -> str:
    """A message: who and what; one known fact a line; what to type."""
    width = max(map(len, facts)) + 1
    told = [f"  {f'{name}:':<{width}} {fact}" for name, fact in facts.items() if fact]
    return "\n".join([headline, *told, remedy])
