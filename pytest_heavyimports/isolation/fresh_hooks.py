"""
What runs in a fresh interpreter: pytest, started as the one that has started this, up to its collection.

Then it collects the file of the test that it is given, and runs that; or it is a template, which imports the declared
modules, and has children that do so. It prints nothing, writes no report of its own, and asks no other plugin to.
"""

from __future__ import annotations

import faulthandler
import functools
import io
from typing import Any, NoReturn

import pytest

from ..config.hooks import Hooks
from ..process.forking import end_with_parent, threads_of_imports, why_not_fork
from ..process.shutdown import end
from .child import Child, Where, tell_output
from .hooks import fresh_key, import_known, import_modules, take_events
from .others import junitxml, take_over_from_others, testmon
from .template import serve as serve_as_template
from .wire import Wire

_NEUTRAL: dict[str, Any] = {
    # pytest's own
    "collectonly": False,
    "failedfirst": False,
    "lf": False,
    "newfirst": False,
    "stepwise": False,
    "xmlpath": None,
    # pytest-testmon's
    "testmon": False,
    "testmon_nocollect": False,
    "testmon_noselect": False,
    "testmon_forceselect": False,
    "tmnet": False,
    # pytest-xdist's
    "dist": "no",
    "numprocesses": None,
    "tx": [],
}
"""Options that would select other tests, start more processes or write a report."""


def begin(config: pytest.Config, setup: dict[str, Any], wire: int, reports: int, trace: int) -> None:
    """Have this pytest run what it is given. The descriptors are those that ``fresh_start.py`` got."""
    end_with_parent()
    config.stash[fresh_key] = True
    config.option.basetemp = setup["temporary"]
    for name, value in _NEUTRAL.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    if setup["worker"]:
        config.workerinput = setup["worker"]  # type: ignore[attr-defined]  # what pytest-xdist does
    config.pluginmanager.register(FreshHooks(setup, Wire(wire), Wire(reports, setup["mark"]), trace))


class FreshHooks(Hooks):
    """Stands in for the collection of all tests."""

    def __init__(self, setup: dict[str, Any], wire: Wire, reports: Wire, trace: int) -> None:
        self._setup = setup
        self._wire = wire
        self._reports = reports
        self._trace = trace
        self._items: dict[str, pytest.Item] = {}
        self._fault = ""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        reporter: Any = config.pluginmanager.getplugin("terminalreporter")
        if reporter:
            config.pluginmanager.unregister(reporter)
            config.pluginmanager.register(type(reporter)(config, io.StringIO()), "terminalreporter")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        config = session.config
        if self._setup["testmon"]:
            testmon.count_lines_elsewhere(config)
        if self._setup["junitxml"]:
            junitxml.note_elsewhere(config)
        take_over_from_others(config)
        if self._setup["is_template"]:
            fault = why_not_fork(threads_of_imports())  # of what conftest files and plugins have done
            faulthandler.enable(self._trace)
            tell = functools.partial(self._wire.send, "importing")
            import_known(config, self._setup["known"], tell)
            allowed_threads = import_modules(config, set(self._setup["needed"]), tell)
            serve_as_template(
                config,
                self._wire,
                self._trace,
                functools.partial(self._run_child, session),
                allowed_threads=allowed_threads,
                fault=fault or why_not_fork(allowed_threads),
                events=take_events(config),
            )
            end(0)
        first = self._wire.wait()
        tell_output(config, self._wire, self._reports)
        self._run_child(session, self._wire, first)

    # First: other plugins may take tests away that the parent has, rightly, kept.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self._items.update((item.nodeid, item) for item in items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._fault = report.longreprtext

    def _run_child(self, session: pytest.Session, jobs: Wire, first: tuple[Any, ...] | None = None) -> NoReturn:
        child = Child(session, self._reports, self._trace, lambda: take_events(session.config))
        child.run(jobs, functools.partial(self._item, session), first)

    def _item(self, session: pytest.Session, where: Where) -> pytest.Item:
        if where["nodeid"] not in self._items:
            session.perform_collect([where["path"]])
        if where["nodeid"] not in self._items:
            raise LookupError(f"{where['nodeid']} is not there when its file is collected again. {self._fault}")
        return self._items[where["nodeid"]]
