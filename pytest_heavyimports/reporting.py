"""The report of one session: gathers what it and its workers have seen, and tells whoever is to be told."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .options import BUDGETS_CACHE_KEY, HEAVY_MARK
from .places import AT_START, INHERITED, WARM, is_there

if TYPE_CHECKING:
    import pytest

    from .imports.measuring import Measurer
    from .report.account import Account
    from .report.budget import Budget
    from .report.model import Report
    from .report.terminal import Line
    from .session import HeavySession

CONTROLLER = "controller"
"""The name of its process, where there are workers."""
GITHUB_VARIABLE = "GITHUB_STEP_SUMMARY"


class Reporting:
    """What is known of this run, and who is told."""

    def __init__(self, config: pytest.Config, session: HeavySession) -> None:
        self.collection_us = (0, 0)
        """When it began, and how long it took."""
        self.items: Sequence[pytest.Item] = ()
        """The tests that are run."""
        self.budgets: tuple[Budget, ...] = ()
        self.failures: list[str] = []
        """Lines on what makes the run fail."""
        self.unchecked: list[str] = []
        """Lines on budgets that could not be checked."""
        self.unreached: list[str] = []
        """Lines on declared modules that are not protected or preloaded, though the run does that."""
        self.accounts: dict[str, Account] = {}
        """Of workers, by their names."""
        self.warnings_recorded: list[str] = []
        """The guard's, as pytest has seen them."""
        self.is_without_warnings = False
        """Whether pytest shows none at the end."""
        self._config = config
        self._session = session
        self._told_events = 0
        self._written: list[str] = []

    @property
    def is_told_on(self) -> bool:
        """Whether somebody is to be told beside the terminal, or there are workers."""
        option, settings = self._config.option, self._session.settings
        is_distributed = hasattr(self._config, "workerinput") or getattr(option, "dist", "no") != "no"
        is_asked_for = settings.report_files or settings.budget or getattr(option, "xmlpath", None)
        return bool(is_distributed or is_asked_for or GITHUB_VARIABLE in os.environ)

    def now_s(self) -> float:
        """Seconds since the epoch, by the clock of the report."""
        return self._session.clock.epoch_s + self._session.clock() / 1e6

    @property
    def has_something(self) -> bool:
        """Whether anything was seen that may be told."""
        return self._session.has_begun or bool(self._session.measurer or self.accounts or self.unreached)

    def account_of(self, worker: str) -> Account:
        """What a worker has told so far."""
        from .report.account import Account

        return self.accounts.setdefault(worker, Account(worker, self._session.clock.epoch_s))

    @cached_property
    def tests(self) -> Account:
        """The tests that this process has run."""
        from .report.account import Account

        return Account(epoch_s=self._session.clock.epoch_s)

    def news(self, *, is_last: bool) -> Account:
        """What this process has seen since the last call; *is_last* takes what is still going on as over."""
        from .report.account import Account

        session, measurer = self._session, self._session.measurer
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
        from .imports.standing import declared_spec, is_real

        heavy = self._session.heavy_names()
        for name in heavy.union(budget.name for budget in self.budgets):
            module = sys.modules.get(name)
            is_loaded = is_there(name) and is_real(name, module) and getattr(declared_spec(module), "origin", None)
            if is_loaded and not measurer.has_loaded(name):
                yield name, str(WARM if name in INHERITED else AT_START)

    @cached_property
    def report(self) -> Report:
        """All of it, once the session has finished."""
        from .distributions import version_where_installed
        from .report.model import make_report

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
        from .report.hint import Asked, make_hint

        option = self._config.option
        heavy = frozenset(item.nodeid for item in self.items if item.get_closest_marker(HEAVY_MARK))
        has_warm = getattr(option, "heavy_warm", True) in (None, False)
        return make_hint(self.report, Asked(len(self.items), heavy, bool(option.markexpr), has_warm))

    def lines(self) -> Iterator[Line]:
        """The lines of the terminal's section."""
        from .report.terminal import Line, section_lines

        option = self._config.option
        if option.no_summary:  # up to pytest 9.1, nobody is asked for a summary then
            return
        if self._session.settings.report and self.has_something and option.verbose > -2:
            width = shutil.get_terminal_size().columns if self._session.progress else None
            yield from section_lines(self.report, verbosity=option.verbose, hint=self.hint, width=width)
            yield from (Line(line, "yellow") for line in self.unreached)
            yield from self._hidden_warnings()
        for file in self._written if option.verbose >= 0 else ():
            yield Line(f"written: {file}")
        for failure in self.failures:
            yield Line(failure, "red")
        for line in self.unchecked:
            yield Line(line, "yellow")

    def _hidden_warnings(self) -> Iterator[Line]:
        """Those of the guard that the suite hides with others."""
        from .records import Warned

        events = [event for account in self.report.accounts for _, event in account.events]
        texts = [event.text for event in events if isinstance(event, Warned)]
        if not texts:
            return
        from .errors import is_silence_asked_for
        from .report.terminal import hidden_lines

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
            from .report.summary import markdown

            self._append(Path(summary), markdown(self.report, self.hint))

    def _judge_budgets(self) -> None:
        if not self.budgets:
            return
        from .report.budget import figures_of, overdraft_lines, overdrafts, unchecked

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
        from .report.files import write_file

        made_by = f"pytest-heavyimports {__version__}"
        try:
            write_file(file, self.report, made_by=made_by, hint=self.hint, over_budget=self.failures)
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
        # Public is the fixture record_testsuite_property alone, and there is no test to ask for it.
        from _pytest.junitxml import xml_key

        from .report.summary import properties

        xml = self._config.stash.get(xml_key, None)
        if xml:
            for name, value in properties(self.report):
                xml.add_global_property(name, value)
