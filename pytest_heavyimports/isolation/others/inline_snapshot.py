"""inline-snapshot: it changes the test files at the end of the run, by what each ``snapshot()`` was compared with."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ...config.hooks import Hooks
from ..reports import our_warning

MODULE = "inline_snapshot"
NAME = "inline-snapshot"
NEEDED = (
    "inline_snapshot._global_state:state",
    "inline_snapshot._change:Change.apply",
    "inline_snapshot._change:RequiredImport",
)
"""0.36 has these."""
Place = tuple[str, int, int]
"""Of a call of ``snapshot()``: its file, line and column."""


def is_used(config: pytest.Config) -> bool:
    """Whether it looks at snapshots in this run, which it doesn't under pytest-xdist."""
    return config.pluginmanager.has_plugin("inline-snapshot-plugin") and _state().active


def writes(config: pytest.Config) -> str:
    """The flag by which it writes in this run."""
    flags = config.getoption("inline_snapshot", None) or ""
    return f"--inline-snapshot={flags}" if {"create", "fix", "trim", "update"} & set(str(flags).split(",")) else ""


class InlineSnapshotHooks(Hooks):
    """
    Has it make the changes here that it would have made in the processes of tests.

    They are sent as the texts that it would put in. Where several processes want one call of ``snapshot()`` to be
    different things, it can't be told what would do for all of them: it stays as it is, and a warning says so.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._process = (0, 0)
        self._sent: dict[Place, dict[tuple[int, int], Any]] = {}
        """What each process that has come to a place wants to change there."""

    def pytest_heavy_isolated_send(self, item: pytest.Item) -> tuple[str, object] | None:
        if self._process[0] != os.getpid():
            self._process = os.getpid(), time.monotonic_ns()
        # What the tests of a group share is sent after each of them; the last one counts.
        placed = [(place, _packed(snapshot)) for place, snapshot in _compared()]
        return (MODULE, (self._process, placed)) if placed else None

    def pytest_heavy_isolated_receive(self, item: pytest.Item, name: str, value: Any) -> None:
        if name == MODULE:
            process, placed = value
            for place, changes in placed:
                self._sent.setdefault(place, {})[process] = changes

    # Before its own, which makes the changes.
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        here = {place: _packed(snapshot) for place, snapshot in _compared()}
        snapshots = _state().snapshots
        keys = {_place_of(snapshot): key for key, snapshot in snapshots.items()}
        for place, by_process in self._sent.items():
            wanted = [*by_process.values(), *([here[place]] if place in here else [])]
            snapshots.pop(keys.get(place), None)
            if all(changes == wanted[0] for changes in wanted):
                snapshots["heavyimports", place] = _Sent(place, wanted[0])
            else:
                self._warn(*place)

    def _warn(self, file: str, line: int, _: int) -> None:
        text = (
            "inline-snapshot does not change this snapshot: several processes of isolated tests want it to be "
            "different. Have these tests share a process: @pytest.mark.heavy_isolated(group=...)"
        )
        warning = {"warning_message": our_warning(text, file, line), "when": "runtest", "nodeid": "", "location": None}
        self._config.hook.pytest_warning_recorded.call_historic(kwargs=warning)


HOOKS = InlineSnapshotHooks


class _Sent:
    """Stands for a call of ``snapshot()`` in other processes."""

    def __init__(self, place: Place, packed: Iterable[tuple[Any, ...]]) -> None:
        self._context = SimpleNamespace(file=SimpleNamespace(filename=place[0]))
        self._packed = packed

    def _changes(self) -> Iterator[Any]:
        for kind, flag, file, *values in self._packed:
            source = SimpleNamespace(filename=file)
            if kind == "import":
                yield _changes_of().RequiredImport(flag, source, *values)
            else:
                yield _SentChange(flag, source, *values)


class _SentChange:
    """Its ``Change``, as far as it asks for one."""

    def __init__(self, flag: str, file: SimpleNamespace, texts: Any) -> None:
        self.flag = flag
        self.file = file
        self.filename = file.filename
        self._texts = texts

    def apply(self, recorder: Any) -> None:
        """Put in the texts."""
        change = recorder.new_change()
        for begin, end, text in self._texts:
            change.replace((begin, end), text, filename=self.filename)

    def apply_external_changes(self) -> None:
        """There are none."""

    def rich_diff(self) -> None:
        """The report shows that of the file."""


def _packed(snapshot: Any) -> list[tuple[Any, ...]]:
    """What it wants to change there: imports that are needed, and texts with their places."""
    module = _changes_of()
    packed: list[tuple[Any, ...]] = []
    by_flag: dict[str, list[Any]] = {}
    chosen = [name for name in ("create", "fix", "update") if name in _state().flags]
    for change in snapshot._changes():
        if isinstance(change, module.RequiredImport):
            packed.append(("import", change.flag, change.filename, change.module, change.name))
        elif isinstance(change, module.Change):
            # Those that will be made are made at once: two of them may be changes of one list.
            flag = chosen[0] if change.flag in chosen else change.flag
            by_flag.setdefault(flag, []).append(change)
        elif change.flag in chosen:
            raise NotImplementedError("external snapshots of isolated tests can't be written by inline-snapshot")
    if chosen and chosen[0] in by_flag:
        by_flag.pop("trim", None)  # it may be of the same list, and is for a later run
    for flag, changes in by_flag.items():
        recorder = importlib.import_module("inline_snapshot._rewrite_code").ChangeRecorder()
        module.apply_all(changes, recorder)
        for file in recorder.files():
            texts = [(_position(one.range.start), _position(one.range.end), one.text) for one in file.replacements]
            packed.append(("texts", flag, str(file.filename), texts))
    return packed


def _compared() -> Iterator[tuple[Place, Any]]:
    """The calls of ``snapshot()`` that something was compared with in this process."""
    for snapshot in _state().snapshots.values():
        is_undecided = type(getattr(snapshot, "_value", None)).__name__ == "UndecidedValue"
        if not is_undecided and (place := _place_of(snapshot)):
            yield place, snapshot


def _place_of(snapshot: Any) -> Place | None:
    """Its place; ``None`` where the source is not to be found."""
    context = getattr(snapshot, "_context", None)
    node = getattr(getattr(context, "expr", None), "node", None)
    if context is None or node is None:
        return None
    return str(Path(context.file.filename).resolve()), node.lineno, node.col_offset


def _position(position: Any) -> tuple[int, int]:
    return position.lineno, position.col_offset


def _state() -> Any:
    return importlib.import_module("inline_snapshot._global_state").state()


def _changes_of() -> Any:
    return importlib.import_module("inline_snapshot._change")
