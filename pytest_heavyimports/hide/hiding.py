"""The fixture ``hide_modules``: what is installed is played "not installed", and nobody is crippled by it."""

from __future__ import annotations

import sys
import warnings
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import HeavyImportWarning, InvalidDeclaration, imported_without
from ..facts.names import is_dotted, is_within
from ..imports.half import comes_with
from ..imports.keeper import KEEPER
from ..imports.lacking import Askers, watch_askers
from ..imports.modules import take_out
from ..session import begun_session
from .modules import hide

if TYPE_CHECKING:
    from ..session import HeavySession


class Hiding:
    """What one test hides. Closed, all is there again."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._session: HeavySession | None = begun_session(item.config)
        self._open = ExitStack()

    def hide(self, *names: str) -> AbstractContextManager[object]:
        """Hide modules until the test ends, or the block that is entered with what is returned."""
        __tracebackhide__ = True
        for name in names:
            if not isinstance(name, str) or not is_dotted(name):
                raise InvalidDeclaration(
                    name, fault="it is no module name", remedy='Write it as hide_modules("numpy").'
                )
        self._import_declared(names)
        handle = ExitStack()
        self._open.callback(handle.close)
        askers = handle.enter_context(watch_askers(names))
        handle.callback(self._end, set(sys.modules), askers)
        for name in names:
            handle.enter_context(hide(name))
        return handle

    def close(self) -> None:
        """Put back what is hidden still, the last first."""
        self._open.close()

    def _import_declared(self, names: tuple[str, ...]) -> None:
        """What would go without the hidden modules for good, if it were first imported meanwhile."""
        if self._session is None:
            return
        with self._session.whereabouts.setting_up("hide_modules"):
            for fullname in self._session.installed_modules():
                if not any(is_within(fullname, name) for name in names):
                    with suppress(Exception, pytest.skip.Exception):  # the registry tells who asks for it
                        self._session.registry.get(fullname)

    def _end(self, before: set[str], askers: Askers) -> None:
        """What of the code under test has gone without is imported anew; of installed packages that is told."""
        new: dict[str, Any] = {name: module for name, module in sys.modules.copy().items() if name not in before}
        lacking = {asker: name for name, some in askers.items() for asker in some if asker in new}
        own = {name: module for name, module in new.items() if name not in KEEPER.kept and not comes_with(name, module)}
        if lacking.keys() & own.keys():
            take_out(own)
        is_guarded = self._session is not None and self._session.settings.is_guarded
        told_by_guard = self._session.heavy_names() if self._session and is_guarded else ()
        for asker, name in lacking.items():
            if asker not in own and not any(is_within(asker, name) for name in told_by_guard):
                nodeid = self._item.nodeid
                told = imported_without(asker, lack=name, asker=asker, blocked_by=nodeid, first=nodeid)
                file, line, _ = self._item.location
                warnings.warn_explicit(
                    told, HeavyImportWarning, str(self._item.config.rootpath / file), (line or 0) + 1
                )
