"""Puts the rooms of one session together, and nothing else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from .declarations import HeavyModule, read_declarations
from .measure import Clock
from .names import is_within, lineage, root
from .options import BUDGET_KEY, Settings, ini_source, read_settings
from .places import Place, Whereabouts, calling_line, is_there, shown_file, who_imported
from .reporting import Reporting
from .session_hooks import SessionHooks
from .sources import Line, from_ini

if TYPE_CHECKING:
    from .guard.session import Guard
    from .imports.collector import CollectorPause
    from .imports.deferral import Deferral
    from .imports.measuring import Measurer
    from .ledger import Ledger
    from .registry import ModuleRegistry
    from .report.budget import Budget
    from .report.progress import Progress
    from .stubbing import StandIns

session_key: pytest.StashKey[HeavySession] = pytest.StashKey()
"""The session, in ``config.stash``; set when anything is declared or guarded, or a fixture asks for a module."""

_lock = threading.RLock()


class HeavySession:
    """
    The settings, declarations, ledger, registry and guard of one session of pytest.

    Ledger and registry are made when the first heavy module is seen or asked for: most runs of most suites select light
    tests alone.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.settings = settings
        self.declared: dict[str, HeavyModule] = {}
        """By alias."""
        self.clock = Clock()
        self.whereabouts = Whereabouts(str(config.rootpath))
        self.reporting = Reporting(config, self)
        self.progress = self._open_progress(config) if settings.report and sys.stdout.isatty() else None
        # First: the finders of the others ask its finder.
        self.measurer = self._open_measurer(config) if settings.is_measured else None
        self._is_importing = False
        self.guard = self._open_guard(config) if settings.guard != "off" else None
        self.deferral = self._open_deferral(config) if settings.defer else None
        self.stand_ins = self._put_in_stand_ins(config) if settings.stub else None

    @cached_property
    def ledger(self) -> Ledger:
        """What happened to heavy modules."""
        from .ledger import Ledger

        return Ledger(self.clock)

    @cached_property
    def collector(self) -> CollectorPause:
        """Keeps the garbage collector out of heavy imports."""
        from .imports.collector import CollectorPause

        return CollectorPause(self.settings.gc)

    @cached_property
    def registry(self) -> ModuleRegistry:
        """Imports, and remembers."""
        from .registry import ModuleRegistry

        return ModuleRegistry(
            self.declared,
            ledger=self.ledger,
            whereabouts=self.whereabouts,
            around=self.around,
            on_missing=_fail if self.settings.missing == "fail" else _skip,
            load=self._load,
            check_real=self._skip_stood_in_for if self.stand_ins else lambda _: None,
        )

    @contextmanager
    def around(self, fullname: str) -> Iterator[None]:
        """Around each heavy import: the garbage collector is out of the way, and somebody who waits is told."""
        with self.collector, self.progress.importing(fullname) if self.progress else nullcontext():
            yield

    @property
    def has_begun(self) -> bool:
        """Whether there is a ledger, that something may stand in."""
        return "ledger" in vars(self)

    def declare(self, declared: Mapping[str, HeavyModule]) -> None:
        """Make these known to the registry, and let the guard protect those that are installed."""
        self.declared.clear()
        self.declared.update(declared)
        packages = installed_packages(declared.values()) if self.guard or self.deferral else {}
        if self.deferral:
            self.deferral.defer(tuple(packages))
        if self.guard:
            from .guard.policy import BY_PROTECT

            asked_for = {line: f"{line!r} {BY_PROTECT}" for line in self.settings.protect if line[0] != "!"}
            removed = frozenset(line[1:] for line in self.settings.protect if line[0] == "!")
            from .reach import namespace_packages

            protected = packages | namespace_packages(declared.values()) | asked_for
            self.guard.protect(protected, removed, frozenset(asked_for))
        if self.measurer:
            self.measurer.heavy = self.heavy_names()

    def preload(self) -> None:
        """Import what is declared and installed, before anything else is."""
        self.import_each(self.installed_modules())
        self.whereabouts.enter("start-up")

    def installed_modules(self) -> list[str]:
        """The declared modules that lie in installed packages."""
        installed = installed_packages(self.declared.values())
        fullnames = dict.fromkeys(module.fullname for module in self.declared.values())
        return [fullname for fullname in fullnames if any(is_within(fullname, package) for package in installed)]

    def import_each(self, fullnames: Iterable[str]) -> None:
        """Import modules before a test asks. What fails is remembered, and told to the first test that asks."""
        self.whereabouts.enter("preload")
        for fullname in fullnames:
            try:
                self.registry.get(fullname)
            except KeyboardInterrupt:
                raise
            except BaseException:  # sys.exit() too: the registry has remembered it
                pass

    @contextmanager
    def importing(self, fullname: str) -> Iterator[None]:
        """Around the import of a package that was deferred: records its place and cost, as the guard would."""
        from .measure import Cost
        from .records import Import

        if self._is_importing:
            yield  # brought in by another one
            return
        place, cost, error = self.whereabouts.of(*calling_line()), Cost(), ""
        self._is_importing = True
        try:
            with self.around(fullname), cost:
                yield
        except BaseException as raised:
            error = repr(raised)
            raise
        finally:
            self._is_importing = False
            self.ledger.record(Import(fullname, place, cost.duration_s, cost.rss_growth_bytes, error))
            self.registry.notice(place, fullname)

    def notice(self, phase: str, nodeid: str = "") -> None:
        """Record what import statements have brought in since the last call as brought in here."""
        if any(is_there(module.fullname) for module in self.declared.values()):
            self.registry.notice(Place(phase, nodeid))

    def notice_start(self, config: pytest.Config) -> None:
        """As :meth:`notice`, before anything is collected: as brought in by a plugin or a conftest file."""
        if any(is_there(module.fullname) for module in self.declared.values()):
            self.registry.notice(lambda fullname: who_imported(fullname, _plugins(config)))

    def forget(self, fullnames: Iterable[str]) -> None:
        """Record that heavy modules among these have been imported under a stand-in, and are there no more."""
        heavy = self.heavy_names()
        forgotten = tuple(name for name in fullnames if name in heavy or self.ledger.import_of(name))
        if forgotten:
            from .records import Forgotten

            self.ledger.record(Forgotten(forgotten))

    def heavy_names(self) -> frozenset[str]:
        """What is heavy, whether or not it is imported: what is declared, and what is protected or would be."""
        declared = {module.fullname for module in self.declared.values()}
        if self.guard:
            return frozenset(declared.union(self.guard.protection.packages))
        if not self.measurer:
            return frozenset(declared)  # nothing else is seen
        from .guard.known import KNOWN

        return frozenset(declared.union(name for name in KNOWN if "." not in name))

    def _open_progress(self, config: pytest.Config) -> Progress:
        from .report.progress import Progress

        progress = Progress(sys.stdout.fileno(), sys.stdout.encoding)
        config.add_cleanup(progress.close)
        return progress

    def _open_measurer(self, config: pytest.Config) -> Measurer:
        from .imports.install import install_measuring
        from .imports.measuring import Measurer

        measurer = Measurer(self.clock, self.whereabouts.of_project)
        config.add_cleanup(install_measuring(measurer).close)
        return measurer

    def _open_guard(self, config: pytest.Config) -> Guard:
        from .guard.session import Guard
        from .imports.copies import Copies, watch_executions
        from .imports.install import install
        from .imports.keeper import KEEPER

        guard = Guard(self.settings.guard, KEEPER, ledger=self.ledger, whereabouts=self.whereabouts, around=self.around)
        config.add_cleanup(install(guard, KEEPER).close)
        copies = Copies(KEEPER, is_protected=guard.is_protected, on_copy=guard.on_copy)
        config.add_cleanup(watch_executions(copies).close)
        return guard

    def _open_deferral(self, config: pytest.Config) -> Deferral:
        from .guard.keeping import Keeping
        from .imports.deferral import Deferral
        from .imports.install import install_deferral
        from .imports.keeper import KEEPER

        deferral = Deferral()
        keeping = Keeping(KEEPER, is_kept=deferral.defers, place=self.whereabouts, importing=self.importing)
        config.add_cleanup(install_deferral(deferral, None if self.guard else keeping, KEEPER).close)
        return deferral

    def _load(self, module: Any) -> Any:
        """A module as a test wants it: executed."""
        if not self.deferral:
            return module
        from .imports.deferral import load

        return load(module)

    def _put_in_stand_ins(self, config: pytest.Config) -> StandIns:
        from .stubbing import stand_ins_of

        stand_ins = stand_ins_of(config)  # after the guard's finder: it is to be asked before that
        stand_ins.begin_run(self.settings.stub)
        return stand_ins

    def _skip_stood_in_for(self, fullname: str) -> None:
        __tracebackhide__ = True
        if self.stand_ins and (reason := self.stand_ins.reason(fullname)):
            _skip(reason)


def session_of(config: pytest.Config) -> HeavySession:
    """The session, begun now if it has not been."""
    if session_key not in config.stash:
        settings, _ = read_settings(config, config.option)
        _begin(config, settings)
    return config.stash[session_key]


def registry_of(config: pytest.Config) -> ModuleRegistry:
    """The session's registry, from ``config.stash``; for other plugins too, once pytest is configured."""
    with _lock:  # any thread may be the first to ask
        return session_of(config).registry


def start_early(config: pytest.Config, settings: Settings) -> None:
    """Begin with what the ini file declares, before the first conftest file is read; faults are told later."""
    session = _begin(config, settings)
    session.declare(read_declarations(from_ini(config, []))[0])


def configure(config: pytest.Config, lines: Iterable[Line], faults: list[str]) -> HeavySession:
    """
    The session, with everything that is declared.

    Raises:
        pytest.UsageError: With a line for each declaration that can't be read, after those that are *faults* already.
    """
    declared, more_faults = read_declarations(lines)
    session = session_of(config)
    if session.settings.budget:
        from .report.budget import read_budgets

        session.reporting.budgets, budget_faults = read_budgets(session.settings.budget, ini_source(config, BUDGET_KEY))
        more_faults += budget_faults
        if not hasattr(config, "workerinput"):  # the controller has told it
            more_faults += _warn_of_mistyped_budgets(config, session.reporting.budgets, declared.values())
    if faults or more_faults:
        raise pytest.UsageError(*faults, *more_faults)
    session.declare(declared)
    if session.guard or session.settings.preload:
        from .reach import unreached

        session.reporting.unreached = list(
            unreached(
                declared.values(),
                protect=session.settings.protect,
                is_guarded=bool(session.guard),
                is_preloaded=session.settings.preload,
            )
        )
    session.notice_start(config)
    return session


def _plugins(config: pytest.Config) -> dict[str, str]:
    """What each plugin and conftest file is called, for people, by the name of its module."""
    called = {}
    for name, plugin in config.pluginmanager.list_name_plugin():
        module = getattr(plugin, "__name__", "") if isinstance(plugin, ModuleType) else type(plugin).__module__
        if plugin is None or root(module) in ("_pytest", "pytest", "pytest_heavyimports"):
            continue
        file = str(getattr(plugin, "__file__", ""))
        if file.endswith("conftest.py"):
            called[module] = shown_file(file, str(config.rootpath))
        else:
            called.setdefault(module, f"plugin {name if isinstance(plugin, ModuleType) else module}")
    return called


def _warn_of_mistyped_budgets(
    config: pytest.Config, budgets: Iterable[Budget], declared: Iterable[HeavyModule]
) -> list[str]:
    """Warn; gives what is a fault, where warnings are errors: a warning that a hook raises is an internal error."""
    from .distributions import locate
    from .errors import HeavyImportWarning
    from .report.budget import mistyped

    faults = []
    for text in mistyped(budgets, [module.fullname for module in declared], lambda name: locate(name) is not None):
        try:
            config.issue_config_time_warning(HeavyImportWarning(text), stacklevel=2)
        except HeavyImportWarning:
            faults.append(text)
    return faults


def _begin(config: pytest.Config, settings: Settings) -> HeavySession:
    session = config.stash[session_key] = HeavySession(config, settings)
    config.pluginmanager.register(SessionHooks(session), "heavyimports-session")
    return session


def installed_packages(declared: Iterable[HeavyModule]) -> dict[str, str]:
    """The packages of declared modules that are installed, not code under test, each with its declaration."""
    from .distributions import is_installed, locate

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
