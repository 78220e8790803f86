"""In the run that the doctor looks at: what it writes down for the command, each process into files of its own."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..config.hooks import Hooks
from ..config.options import HEAVY_MARK, is_distributed
from ..config.sources import conftest_files
from ..facts.distributions import is_installed_place
from ..facts.names import root
from ..facts.places import STDLIB
from ..facts.records import as_plain

if TYPE_CHECKING:
    from ..facts.records import Sighting
    from ..session import HeavySession

BROKEN = ("failed", "error")


def attach(session: HeavySession) -> None:
    """Write down what is seen, in every process of the run."""
    config = session.config
    notes = Notes(Path(session.settings.doctor))
    config.add_cleanup(notes.close)
    session.at_sight.append(notes.see)
    session.at_configure.append(
        lambda: config.pluginmanager.register(NotingHooks(notes, session), "heavyimports-doctor")
    )


class Notes:
    """The files of one process. What is seen is written at once: a second import may end the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pid = os.getpid()
        self._sights: TextIOWrapper | None = None

    def see(self, seen: Sighting) -> None:
        """Add a line."""
        if os.getpid() != self._pid:
            return  # a child that a test has forked
        if self._sights is None:
            self._sights = (self._folder / f"sights-{self._pid}.jsonl").open("a", encoding="utf-8")
        self._sights.write(json.dumps(as_plain(seen)) + "\n")
        self._sights.flush()

    def write(self, process: str, facts: dict[str, Any]) -> None:
        """What is known at the end."""
        (self._folder / f"facts-{process}.json").write_text(json.dumps(facts), encoding="utf-8")

    def close(self) -> None:
        """Nothing more is seen."""
        if self._sights is not None:
            self._sights.close()


class NotingHooks(Hooks):
    """Notes tests, where their functions stand, and how they ended."""

    def __init__(self, notes: Notes, session: HeavySession) -> None:
        self._notes = notes
        self._session = session
        self._items: list[pytest.Item] = []
        self._fixtures: dict[str, list[list[Any]]] = {}
        self._outcomes: dict[str, str] = {}
        self._faults: list[str] = []
        self._is_interrupted = False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._items = list(session.items)

    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> None:
        place = _place_of(fixturedef.func)
        places = self._fixtures.setdefault(fixturedef.argname, [])
        if place and place not in places:
            places.append(place)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._faults.append(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            known = self._outcomes.get(report.nodeid)
            if known not in BROKEN:
                self._outcomes[report.nodeid] = "error" if report.failed and report.when != "call" else report.outcome

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # pytest interrupts itself where files can't be collected.
        self._is_interrupted = not isinstance(excinfo.value, pytest.Session.Interrupted)

    # After all that do something at the end, and before modules are thrown away.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        option = session.config.option
        # A worker of pytest-xdist knows its name only now.
        self._notes.write(
            getattr(session.config, "workerinput", {}).get("workerid", "main"),
            {
                "is_distributed": is_distributed(session.config),
                "has_warm": bool(getattr(option, "heavy_warm", False)),
                "declared": {alias: module.fullname for alias, module in self._session.declared.items()},
                "guard": getattr(option, "heavy_guard", None) or session.config.getini("heavy_guard"),
                "is_interrupted": self._is_interrupted,
                "epoch_s": self._session.clock.epoch_s,
                "outcomes": Counter(self._outcomes.values()),
                "faults": sorted(set(self._faults)),
                "own": _own_files(),
                "installed": _installed(),
                "conftests": conftest_files(session.config),
                "fixtures": self._fixtures,
                "items": [
                    [
                        item.nodeid,
                        str(item.path),
                        (_place_of(getattr(item, "function", None)) or ["", 0])[1],
                        list(getattr(item, "fixturenames", ())),
                        item.get_closest_marker(HEAVY_MARK) is not None,
                    ]
                    for item in self._items
                ],
            },
        )


def _place_of(function: Any) -> list[Any] | None:
    """File and first line of a function; ``None`` where it has none."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
        code = getattr(function, "__code__", code)
    return [code.co_filename, code.co_firstlineno] if code else None


def _own_files() -> dict[str, str]:
    """The files of the modules that are the project's own."""
    return {name: file for name, file in _files().items() if _is_own(file)}


def _installed() -> list[str]:
    """The top-level names of what is installed, that too which is found in this process alone, as vendored packages."""
    return sorted({root(name) for name, file in _files().items() if is_installed_place(file)})


def _files() -> dict[str, str]:
    """Of all modules."""
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.copy().items()}
    return {name: file for name, file in files.items() if isinstance(file, str)}


def _is_own(file: str) -> bool:
    return file.endswith(".py") and not file.startswith(STDLIB) and not is_installed_place(file)
