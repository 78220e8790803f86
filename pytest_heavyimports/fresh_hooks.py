"""
What runs in a fresh interpreter: pytest, started as the one that has started this, up to its collection.

Then it collects the file of the test that it is given, and runs that; or it is a template, which imports the declared
modules, and has children that do so. It prints nothing, writes no report of its own, and asks no other plugin to.
"""

from __future__ import annotations

import io
import marshal
import os
import signal
import sys
from collections.abc import Generator
from typing import Any, NoReturn

import pytest

from .forking import end, foreign_threads, why_not_fork
from .isolation.child import Child, Where, freeze
from .isolation.template import Template, enter, unreported_output
from .isolation.wire import Wire
from .isolation_hooks import fresh_key, import_modules, take_events

_NEUTRAL: dict[str, Any] = {
    # pytest's own
    "collectonly": False,
    "failedfirst": False,
    "lf": False,
    "newfirst": False,
    "stepwise": False,
    "xmlpath": None,
    # pytest-xdist's
    "dist": "no",
    "numprocesses": None,
    "tx": [],
}
"""Options that would select other tests, start more processes or write a report."""


def main() -> NoReturn:
    """Run pytest as the file says whose descriptor is the first argument; the others are of wire, reports and trace."""
    setup_fd, wire_fd, reports_fd, trace = map(int, sys.argv[1:5])
    with open(setup_fd, "rb") as file:
        setup = marshal.load(file)
    for fd in (wire_fd, reports_fd, trace):
        os.set_inheritable(fd, False)
    enter()
    _end_with_parent()
    os.chdir(setup["directory"])
    sys.argv[:] = [setup["argv0"], *setup["arguments"]]
    if setup["coverage"]:
        _count_coverage(setup["coverage"])
    hooks = FreshHooks(setup, Wire(wire_fd), Wire(reports_fd), trace)
    sys.exit(pytest.main(setup["arguments"], plugins=[hooks]))


def _end_with_parent() -> None:
    """Have the system kill this process when the one that has started it is no more."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _count_coverage(options: dict[str, Any]) -> None:
    """As in the parent, where nothing has begun to count already (coverage's ``patch = subprocess``)."""
    import coverage

    if coverage.Coverage.current() is None:
        given = {name.partition(":")[2]: value for name, value in options.items()}
        coverage.Coverage(config_file=False, data_suffix=True, **given).start()


class FreshHooks:
    """Stands in for the collection of all tests."""

    def __init__(self, setup: dict[str, Any], wire: Wire, reports: Wire, trace: int) -> None:
        self._setup = setup
        self._wire = wire
        self._reports = reports
        self._trace = trace
        self._items: dict[str, pytest.Item] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_parse(self) -> Generator[None, pytest.Config, pytest.Config]:
        config = yield
        for name, value in _NEUTRAL.items():
            if hasattr(config.option, name):
                setattr(config.option, name, value)
        config.stash[fresh_key] = True
        config.option.heavy_isolate = False
        config.option.basetemp = self._setup["temporary"]
        if self._setup["worker"]:
            config.workerinput = self._setup["worker"]  # type: ignore[attr-defined]  # what pytest-xdist does
        return config

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        if config.pluginmanager.unregister(name="terminalreporter"):
            config.pluginmanager.register(pytest.TerminalReporter(config, io.StringIO()), "terminalreporter")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        child = Child(session, self._reports, self._trace, lambda: take_events(session.config))
        if not self._setup["is_template"]:
            child.run(self._wire, lambda where: self._item(session, where))
        import_modules(session.config, self._setup["needed"])
        allowed_threads = foreign_threads()
        fault = why_not_fork(allowed_threads)
        self._wire.send("ready", fault, take_events(session.config))
        freeze()
        template = Template(
            self._wire,
            self._trace,
            lambda jobs: child.run(jobs, lambda where: self._item(session, where)),
            lambda: unreported_output(session.config),
        )
        template.serve(allowed_threads)
        end(0)

    # First: other plugins may take tests away that the parent has, rightly, kept.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self._items.update((item.nodeid, item) for item in items)

    def _item(self, session: pytest.Session, where: Where) -> pytest.Item:
        if where["nodeid"] not in self._items:
            session.perform_collect([where["path"]])
        return self._items[where["nodeid"]]
