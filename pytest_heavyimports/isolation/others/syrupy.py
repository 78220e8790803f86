"""syrupy: which snapshots are used, and what is to be written, is known at the end of the run."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ...config.hooks import Hooks

if TYPE_CHECKING:
    import pytest

MODULE = "syrupy"
NAME = "syrupy"
NEEDED = (
    "config:_syrupy._assertions",
    "config:_syrupy.update_snapshots",
    "syrupy.location:PyTestLocation",
    "syrupy.assertion:SnapshotAssertion",
    "syrupy.assertion:AssertionResult",
    "syrupy.extensions:DEFAULT_EXTENSION",
)
"""7.0 has these."""
_RESULT = ("snapshot_location", "snapshot_name", "created", "updated", "success")
"""Fields of its ``AssertionResult`` that its report asks for."""


def is_used(config: pytest.Config) -> bool:
    """Whether it takes part in this run."""
    return hasattr(config, "_syrupy")


def writes(config: pytest.Config) -> str:
    """The flag by which it writes in this run."""
    return "--snapshot-update" if config.getoption("update_snapshots", False) else ""


class SyrupyHooks(Hooks):
    """Makes the assertions of a test in another process ones of this session, and queues what they would write."""

    def __init__(self, config: pytest.Config) -> None:
        self._session: Any = config._syrupy  # type: ignore[attr-defined]  # where its own hooks have it

    def pytest_heavy_isolated_send(self, item: pytest.Item) -> tuple[str, object] | None:
        assertions = [
            (_name_of(assertion.extension.__class__), [_fields(result) for result in assertion.executions.values()])
            for assertion in self._session._assertions
            if assertion.test_location.item is item
        ]
        # Versions without a queue have written already.
        queue = getattr(self._session, "_queued_snapshot_writes", {})
        written = [
            (_name_of(extension), location, index, data)
            for (extension, location), writes in queue.items()
            for (place, index), data in writes.items()
            if place.item is item
        ]
        return (MODULE, {"assertions": assertions, "written": written}) if assertions else None

    def pytest_heavy_isolated_receive(self, item: pytest.Item, name: str, value: Any) -> None:
        if name != MODULE:
            return
        place = importlib.import_module("syrupy.location").PyTestLocation(item)
        assertion = importlib.import_module("syrupy.assertion")
        known = {field.name for field in dataclasses.fields(assertion.AssertionResult)}
        for extension, results in value["assertions"]:
            made = assertion.SnapshotAssertion(
                session=self._session,
                extension_class=self._extension(extension),
                test_location=place,
                update_snapshots=self._session.update_snapshots,
            )
            for number, fields in enumerate(results):
                whole = {**dict.fromkeys(known), **fields, "test_location": place}
                result = assertion.AssertionResult(**{key: whole[key] for key in known})
                made.executions[number] = result
        for extension, location, index, data in value["written"]:
            self._session._queued_snapshot_writes[self._extension(extension), location][place, index] = data

    def _extension(self, name: tuple[str, str]) -> Any:
        """The class; its own first one where only the other process could make that."""
        module, qualified = name
        try:
            return attrgetter(qualified)(sys.modules.get(module) or importlib.import_module(module))
        except (ImportError, AttributeError):
            return importlib.import_module("syrupy.extensions").DEFAULT_EXTENSION


HOOKS = SyrupyHooks


def _name_of(extension: type) -> tuple[str, str]:
    return extension.__module__, extension.__qualname__


def _fields(result: Any) -> dict[str, Any]:
    return {name: getattr(result, name) for name in _RESULT}
