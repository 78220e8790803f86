"""pytest's hooks where the guard is on, and Python has lazy imports."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from .lazies import LazyBindings

if TYPE_CHECKING:
    from .session import Guard


class LazyHooks(Hooks):
    """Has lazy names that were bound to a fake made lazy again after each test."""

    def __init__(self, guard: Guard) -> None:
        self._bindings = LazyBindings(guard.is_protected)

    def pytest_collection_finish(self) -> None:
        self._bindings.note()

    # Around all other plugins: what they put back is in place again.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        self._bindings.note()
        try:
            return (yield)
        finally:
            self._bindings.put_back()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        self._bindings.accept()
