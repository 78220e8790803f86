"""Puts the rooms of one session together, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NoReturn

import pytest

from .declarations import HeavyModule, read_declarations
from .imports.collector import CollectorPause
from .ledger import Ledger
from .options import Settings, read_settings
from .places import Whereabouts
from .records import Place
from .registry import ModuleRegistry

if TYPE_CHECKING:
    from .guard.session import Guard


class HeavySession:
    """The ledger, registry and guard of one session of pytest."""

    registry: ModuleRegistry

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.settings = settings
        self.ledger = Ledger()
        self.whereabouts = Whereabouts(str(config.rootpath))
        self.collector = CollectorPause(settings.gc)
        self.guard = self._open_guard(config) if settings.guard != "off" else None

    def declare(self, declared: Mapping[str, HeavyModule]) -> None:
        """Build the registry, and let the guard protect what is declared and installed."""
        self.registry = ModuleRegistry(
            declared,
            ledger=self.ledger,
            whereabouts=self.whereabouts,
            collector=self.collector,
            on_missing=_fail if self.settings.missing == "fail" else _skip,
        )
        if self.guard:
            self.guard.protect(_protected_packages(declared.values()))

    def notice(self, phase: str, nodeid: str = "") -> None:
        """Record what import statements have brought in since the last call as brought in here."""
        self.registry.notice(Place(phase, nodeid))

    def _open_guard(self, config: pytest.Config) -> Guard:
        from .guard.session import Guard
        from .imports.install import install

        guard = Guard(self.settings.guard, ledger=self.ledger, whereabouts=self.whereabouts, collector=self.collector)
        handle = install(is_protected=guard.is_protected, on_reload=guard.on_reload, on_import=guard.on_import)
        config.add_cleanup(handle.close)
        return guard


def configure(config: pytest.Config, session: HeavySession | None) -> HeavySession:
    """
    The session, begun if it has not been, with everything that is declared.

    Raises:
        pytest.UsageError: With a line for each setting and declaration that can't be read.
    """
    settings, faults = read_settings(config, config.option)
    declared, more_faults = read_declarations(config)
    if faults or more_faults:
        raise pytest.UsageError(*faults, *more_faults)
    session = session or HeavySession(config, settings)
    session.declare(declared)
    return session


def _protected_packages(declared: Iterable[HeavyModule]) -> dict[str, str]:
    """The packages of declared modules that are installed, not code under test, each with its declaration."""
    from .distributions import is_installed, locate
    from .names import lineage

    packages: dict[str, str] = {}
    for module in declared:
        # The outermost package that has a file: a namespace package (google) is shared by many distributions.
        for name in reversed(list(lineage(module.fullname))):
            spec = locate(name)
            if spec and spec.origin:
                if is_installed(spec):
                    packages.setdefault(name, str(module))
                break
    return packages


def _skip(reason: str) -> NoReturn:
    __tracebackhide__ = True
    pytest.skip(reason)


def _fail(reason: str) -> NoReturn:
    __tracebackhide__ = True
    pytest.fail(reason, pytrace=False)
