"""The report of one session: gathers what it and its workers have seen, and tells whoever is to be told."""

from __future__ import annotations

# Imports in functions: a run of light tests has nothing to tell, and loads none of it.
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..config.options import BUDGET_KEY, BUDGETS_CACHE_KEY, HEAVY_MARK, ini_source, is_distributed, is_worker
from ..facts.places import AT_START, INHERITED, WARM, is_there
from ..imports.install import importable

if TYPE_CHECKING:
    import pytest

    from ..config.declarations import HeavyModule
    from ..imports.measuring import Measurer
    from ..session import HeavySession
    from .account import Account
    from .budget import Budget
    from .model import Report
    from .progress import Progress
    from .terminal import Line

CONTROLLER = "controller"
"""The name of its process, where there are workers."""
GITHUB_VARIABLE = "GITHUB_STEP_SUMMARY"


class Reporting:
    """What is known of this run, and who is told."""

    def __init__(self, session: HeavySession) -> None:
        self.measurer: Measurer | None = None
        """Where loads are measured."""
        self.progress: Progress | None = None
        """Where somebody looks at a terminal."""
        self.collection_us = (0, 0)
        """When it began, and how long it took."""
        self.items: Sequence[pytest.Item] = ()
        """The tests that are run."""
        self.budgets: tuple[Budget, ...] = ()
        self.failures: list[str] = []
        """Lines on what makes the run fail."""
        self.unchecked: list[str] = []
        """Lines on budgets that could not be checked."""
        self.accounts: dict[str, Account] = {}
        """Of workers, by their names."""
        self.warnings_recorded: list[str] = []
        """The guard's, as pytest has seen them."""
        self.is_without_warnings = False
        """Whether pytest shows none at the end."""
        self._config = session.config
        self._session = session
        self._told_events = 0
        self._written: list[str] = []

    @property
    def is_told_on(self) -> bool:
        """Whether somebody is to be told beside the terminal, or there are workers."""
        option, settings = self._config.option, self._session.settings
        is_one_of_many = is_worker(self._config) or is_distributed(self._config)
        is_asked_for = settings.report_files or settings.budget or getattr(option, "xmlpath", None)
        return bool(is_one_of_many or is_asked_for or GITHUB_VARIABLE in os.environ)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Around the collection."""
        begin_us = self._session.clock()
        try:
            yield
        finally:
            self.collection_us = begin_us, self._session.clock() - begin_us

    def read_budgets(self, declared: Mapping[str, HeavyModule]) -> Iterator[str]:
        """Read the budgets; a sentence on each that can't be read."""
        if not self._session.settings.budget:
            return
        from .budget import read_budgets

        self.budgets, faults = read_budgets(self._session.settings.budget, ini_source(self._config, BUDGET_KEY))
        yield from faults
        if not is_worker(self._config):  # the controller has told it
            yield from _warn_of_mistyped_budgets(self._config, self.budgets, declared.values())

    def now_s(self) -> float:
        """Seconds since the epoch, by the clock of the report."""
        return self._session.clock.epoch_s + self._session.clock() / 1e6

    @property
    def has_something(self) -> bool:
        """Whether anything was seen that may be told."""
        return self._session.has_begun or bool(self.measurer or self.accounts or self._session.notes)

    def account_of(self, worker: str) -> Account:
        """What a worker has told so far."""
        from .account import Account

        return self.accounts.setdefault(worker, Account(worker, self._session.clock.epoch_s))

    @cached_property
    def tests(self) -> Account:
        """The tests that this process has run."""
        from .account import Account

        return Account(epoch_s=self._session.clock.epoch_s)

    def news(self, *, is_last: bool) -> Account:
        """What this process has seen since the last call; *is_last* takes what is still going on as over."""
        from .account import Account

        session, measurer = self._session, self.measurer
        if is_last:
            session.notice("during tests")
        events = session.ledger.since(self._told_events)
        self._told_events += len(events)
        return Account(
            epoch_s=session.clock.epoch_s,
            duration_us=session.clock(),
            collection_begin_us=self.collection_us[0],
            collection_us=self.collection_us[1],
            events=events,
            loads=measurer.take(is_last=is_last) if measurer else [],
            unmeasured=self._unmeasured(measurer) if is_last and measurer and self.budgets else (),
        )

    def _unmeasured(self, measurer: Measurer) -> Iterator[tuple[str, str]]:
        """The modules with a budget that are there, and were not loaded since this process measures."""
        from ..imports.modules import declared_spec, is_real

        heavy = self._session.heavy_names()
        for name in heavy.union(budget.name for budget in self.budgets):
            module = sys.modules.get(name)
            is_loaded = is_there(name) and is_real(name, module) and getattr(declared_spec(module), "origin", None)
            if is_loaded and not measurer.has_loaded(name):
                yield name, str(WARM if name in INHERITED else AT_START)

    @cached_property
    def report(self) -> Report:
        """All of it, once the session has finished."""
        from ..facts.distributions import version_where_installed
        from .model import make_report

        own = self.news(is_last=True)
        own.phases = self.tests.phases
        own.name = CONTROLLER if self.accounts else ""
        heavy = self._session.heavy_names()
        workers = sorted(self.accounts.values(), key=lambda account: (len(account.name), account.name))
        return make_report([own, *workers], heavy, version_where_installed)

    @cached_property
    def hint(self) -> str:
        """What would have saved most, once the session has finished."""
        if not any(module.cumulative_us for module in self.report.modules):
            return ""  # a run of light tests, which pays for no look at each
        from .hint import RunAsked, make_hint

        option = self._config.option
        heavy = frozenset(item.nodeid for item in self.items if item.get_closest_marker(HEAVY_MARK))
        has_warm = getattr(option, "heavy_warm", True) in (None, False)
        return make_hint(self.report, RunAsked(len(self.items), heavy, bool(option.markexpr), has_warm))

    def write_section(self, terminal: pytest.TerminalReporter) -> None:
        """Write the terminal's section."""
        self.is_without_warnings = not terminal.hasopt("w")
        with importable():
            self._session.notice("during tests")
            if skipped := terminal.stats.get("skipped"):
                self._session.notes += self._missing(skipped)
            if self.has_something:
                from .terminal import write_section

                write_section(terminal, list(self.lines()))

    def _missing(self, skipped: Sequence[pytest.CollectReport | pytest.TestReport]) -> Iterator[str]:
        """A line on each reason for which files and tests were skipped: a declared module is missing, or too old."""
        ends = tuple(f"; declared as {module}" for module in self._session.declared.values())
        counts: dict[str, tuple[set[str], set[str]]] = {}
        for report in skipped if ends else ():
            reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else "").removeprefix("Skipped: ")
            if reason.endswith(ends):
                counts.setdefault(reason, (set(), set()))[report.when != "collect"].add(report.nodeid)
        for reason, nodeids in counts.items():
            both = zip(("file", "test"), map(len, nodeids))
            numbers = " and ".join(f"{number} {noun}{'s' * (number > 1)}" for noun, number in both if number)
            yield f"{numbers} skipped: {reason}"

    def lines(self) -> Iterator[Line]:
        """The lines of the terminal's section."""
        from .terminal import Line, section_lines

        option = self._config.option
        if option.no_summary:  # up to pytest 9.1, nobody is asked for a summary then
            return
        if self._session.settings.report and self.has_something and option.verbose > -2:
            width = shutil.get_terminal_size().columns if self.progress else None
            yield from section_lines(self.report, verbosity=option.verbose, hint=self.hint, width=width)
            imported = [module.fullname for module in self.report.modules]
            unreached = filter(None, (each.line(imported) for each in self._session.unreached))
            yield from (Line(line, "yellow") for line in (*self._session.notes, *unreached))
            yield from self._hidden_warnings()
        for file in self._written if option.verbose >= 0 else ():
            yield Line(f"written: {file}")
        for failure in self.failures:
            yield Line(failure, "red")
        for line in self.unchecked:
            yield Line(line, "yellow")

    def _hidden_warnings(self) -> Iterator[Line]:
        """Those of the guard that the suite hides with others."""
        from ..facts.records import Warned

        events = [event for account in self.report.accounts for _, event in account.events]
        texts = [event.text for event in events if isinstance(event, Warned)]
        if not texts:
            return
        from ..errors import is_silence_asked_for
        from .terminal import hidden_lines

        config = self._config
        filters = (*config.getini("filterwarnings"), *(getattr(config.option, "pythonwarnings", None) or ()))
        if is_silence_asked_for(filters):
            return
        by = "--disable-warnings"
        if not self.is_without_warnings:
            by = "a filter of warnings" if config.pluginmanager.has_plugin("warnings") else "-p no:warnings"
            for text in self.warnings_recorded:
                if text in texts:
                    texts.remove(text)
        yield from hidden_lines(texts, by)

    def tell(self) -> None:
        """Tell everybody but the terminal; what fails is added to the failures."""
        settings, option = self._session.settings, self._config.option
        self._judge_budgets()
        for file in settings.report_files:
            self._write_file(self._config.invocation_params.dir / Path(os.path.expandvars(file)).expanduser())
        if getattr(option, "xmlpath", None):
            self._tell_junit()
        summary = os.environ.get(GITHUB_VARIABLE)
        if summary and settings.report and not self._session.whereabouts.is_inner and self.report.modules:
            from .summary import markdown

            self._append(Path(summary), markdown(self.report, self.hint))

    def _judge_budgets(self) -> None:
        if not self.budgets:
            return
        from .budget import figures_of, overdraft_lines, overdrafts, unchecked

        cache = getattr(self._config, "cache", None)
        last = cache.get(BUDGETS_CACHE_KEY, {}) if cache else {}
        heavy = self._session.heavy_names()
        over = overdrafts(self.budgets, self.report, heavy, last)
        for overdraft in over:
            self.failures += overdraft_lines(overdraft)
        overdrawn = {overdraft.budget for overdraft in over}
        within = [budget for budget in self.budgets if budget not in overdrawn]
        self.unchecked += unchecked(within, self.report, heavy)
        if cache:
            cache.set(BUDGETS_CACHE_KEY, {**last, **figures_of(self.budgets, self.report, heavy)})

    def _write_file(self, file: Path) -> None:
        from .files import write_file

        made_by = f"pytest-heavyimports {__version__}"
        try:
            write_file(file, self.report, made_by=made_by, hint=self.hint, over_budget=self.failures)
            if not self._session.settings.doctor:  # whose user has asked for no file
                self._written.append(os.path.relpath(file, self._config.invocation_params.dir))
        except OSError as error:
            self.failures.append(f"--heavy-report: {error}")

    def _append(self, file: Path, text: str) -> None:
        try:
            with file.open("a", encoding="utf-8") as summary:
                summary.write(text)
        except OSError as error:
            self.failures.append(f"{GITHUB_VARIABLE}: {error}")

    def _tell_junit(self) -> None:
        from ..config.private import junit_writer
        from .summary import properties

        if xml := junit_writer(self._config):
            for name, value in properties(self.report):
                xml.add_global_property(name, value)


def _warn_of_mistyped_budgets(
    config: pytest.Config, budgets: Iterable[Budget], declared: Iterable[HeavyModule]
) -> Iterator[str]:
    """Warn; gives what is a fault, where warnings are errors: a warning that a hook raises is an internal error."""
    from ..errors import HeavyImportWarning
    from ..facts.distributions import locate
    from .budget import mistyped

    for text in mistyped(budgets, [module.fullname for module in declared], lambda name: locate(name) is not None):
        try:
            config.issue_config_time_warning(HeavyImportWarning(text), stacklevel=2)
        except HeavyImportWarning:
            yield text
