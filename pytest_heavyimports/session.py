"""One session of pytest with heavy modules. It knows none of the features: they attach to it, see ``features.py``."""

from __future__ import annotations

# Imports in functions: most runs of most suites select light tests alone, which need neither ledger nor registry.
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from .config.declarations import HeavyModule, read_declarations
from .config.hooks import Hooks
from .config.options import Settings, settings_of, state_key
from .config.sources import Line, from_ini
from .facts.measure import Clock
from .facts.names import is_within, lineage, root
from .facts.places import Place, Whereabouts, calling_line, is_there, shown_file, who_imported
from .imports.install import importable

if TYPE_CHECKING:
    from .config.reach import Unreached
    from .facts.ledger import Ledger
    from .facts.records import Sighting
    from .imports.collector import CollectorPause
    from .registry import ModuleRegistry

_lock = threading.RLock()


class HeavySession:
    """
    The settings, declarations, ledger and registry of one session of pytest, and what features attach.

    Ledger and registry are made when the first heavy module is seen or asked for: most runs of most suites select light
    tests alone.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.declared: dict[str, HeavyModule] = {}
        """By alias."""
        self.clock = Clock()
        self.whereabouts = Whereabouts(str(config.rootpath))
        self.notes: list[str] = []
        """Lines for the section at the end: what was asked for and has no effect, and why."""
        self.unreached: list[Unreached] = []
        """The same for declarations, of which a run is told where it imports the module."""
        self._is_importing = False
        # What features attach.
        self.around_import: list[Callable[[str], AbstractContextManager[object]]] = []
        """Called with the name of each heavy module, and entered while it is imported."""
        self.at_declaration: list[Callable[[], object]] = []
        """Called when the declared modules have become others; the last to attach is the first to be called."""
        self.at_check: list[Callable[[Mapping[str, HeavyModule]], Iterable[str]]] = []
        """Called with what is to be declared, when pytest is configured: a sentence on each fault in the settings."""
        self.at_configure: list[Callable[[], object]] = []
        """Called when pytest is configured, and there is no fault: the time to register hooks."""
        self.at_finish: list[Callable[[], object]] = []
        """Called when the session has finished."""
        self.before_handing_out: list[Callable[[str], object]] = []
        """Called with the name of a module that a test asks for; raises where the test is not to have it."""
        self.also_heavy: list[Callable[[], Iterable[str]]] = []
        """Called for the names of modules that are heavy though nobody has declared them."""
        self.at_sight: list[Callable[[Sighting], object]] = []
        """Called with what a guard that only looks on has seen, at the time."""
        self.executed: Callable[[ModuleType], Any] = lambda module: module
        """Called with a module before a test gets it; gives it executed, if that was put off."""

    @cached_property
    def ledger(self) -> Ledger:
        """What happened to heavy modules."""
        from .facts.ledger import Ledger

        return Ledger(self.clock)

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
            load=lambda module: self.executed(module),
            check_real=self._check_handed_out,
        )

    @cached_property
    def _collector(self) -> CollectorPause:
        from .imports.collector import CollectorPause

        return CollectorPause(self.settings.gc)

    @cached_property
    def packages(self) -> dict[str, str]:
        """The packages of declared modules that are installed, each with its declaration."""
        return installed_packages(self.declared.values())

    @contextmanager
    def around(self, fullname: str) -> Iterator[None]:
        """Around each heavy import: the garbage collector is out of the way, and what was attached is entered."""
        with ExitStack() as stack:
            stack.enter_context(self._collector)
            for enter in self.around_import:
                stack.enter_context(enter(fullname))
            yield

    @property
    def has_begun(self) -> bool:
        """Whether there is a ledger, that something may stand in."""
        return "ledger" in vars(self)

    def declare(self, declared: Mapping[str, HeavyModule]) -> None:
        """Make these known to the registry, and to what has attached."""
        self.declared.clear()
        self.declared.update(declared)
        vars(self).pop("packages", None)
        for tell in reversed(self.at_declaration):
            tell()

    def preload(self) -> None:
        """Import what is declared and installed, before anything else is."""
        self.import_each(self.installed_modules())
        self.whereabouts.enter("start-up")

    def installed_modules(self) -> list[str]:
        """The declared modules that lie in installed packages."""
        fullnames = dict.fromkeys(module.fullname for module in self.declared.values())
        return [fullname for fullname in fullnames if any(is_within(fullname, package) for package in self.packages)]

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
        if self._is_importing:
            yield  # brought in by another one
            return
        place = self.whereabouts.of(*calling_line())
        self._is_importing = True
        try:
            with self.ledger.importing(fullname, place, self.around):
                yield
        finally:
            self._is_importing = False
            self.registry.notice(place, fullname)

    def notice(self, phase: str, nodeid: str = "") -> None:
        """Record what import statements have brought in since the last call as brought in here."""
        if any(is_there(module.fullname) for module in self.declared.values()):
            self.registry.notice(Place(phase, nodeid))

    def notice_start(self) -> None:
        """As :meth:`notice`, before anything is collected: as brought in by a plugin or a conftest file."""
        if any(is_there(module.fullname) for module in self.declared.values()):
            self.registry.notice(lambda fullname: who_imported(fullname, _plugins(self.config)))

    def judge_file(self, collector: pytest.File, report: pytest.CollectReport) -> None:
        """Have a file that can't be imported skipped, or fail, where that is since a declared module is missing."""
        from .imports.absence import lacked, line_in

        call = vars(report).get("call")  # pytest's, for its debugger; without it an error stays one
        error = call.excinfo.value if call else None
        if isinstance(error, collector.CollectError):
            error = error.__cause__
        reason = lacked(error, self.declared.values())
        if reason is None:
            return
        file, line = str(collector.path), line_in(str(collector.path), error)
        if self.settings.missing == "fail":
            report.longrepr = f"{shown_file(file, str(self.config.rootpath))}:{line}: {reason}"
        else:
            report.outcome, report.longrepr = "skipped", (file, line, f"Skipped: {reason}")
            del vars(report)["call"]  # nothing to debug

    def forget(self, fullnames: Iterable[str]) -> None:
        """Record that heavy modules among these have been imported under a stand-in, and are there no more."""
        heavy = self.heavy_names()
        forgotten = tuple(name for name in fullnames if name in heavy or self.ledger.import_of(name))
        if forgotten:
            from .facts.records import Forgotten

            self.ledger.record(Forgotten(forgotten))

    def heavy_names(self) -> frozenset[str]:
        """What is heavy, whether or not it is imported: what is declared, and what is protected or would be."""
        declared = {module.fullname for module in self.declared.values()}
        return frozenset(declared.union(*(names() for names in self.also_heavy)))

    def _check_handed_out(self, fullname: str) -> None:
        __tracebackhide__ = True
        for check in self.before_handing_out:
            check(fullname)

    def tell_sight(self, seen: Sighting) -> None:
        """Tell what a guard that only looks on has seen."""
        for tell in self.at_sight:
            tell(seen)


class SessionHooks(Hooks):
    """Tells the session what pytest does."""

    def __init__(self, session: HeavySession) -> None:
        self._session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Note which file has imported something."""
        self._session.whereabouts.enter("collect", collector.nodeid)
        report = yield
        self._session.notice("collect", collector.nodeid)
        if report.failed and isinstance(collector, pytest.File):
            self._session.judge_file(collector, report)
        return report

    # Before all else: what plugins do inside is theirs no more.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Note what plugins and conftest files have imported."""
        self._session.notice_start()
        return (yield)

    def pytest_collection_finish(self) -> None:
        """What is imported outside of tests from now on is none of the collection's."""
        self._session.whereabouts.enter("after collection")

    def pytest_sessionfinish(self) -> None:
        """Tell what has attached."""
        with importable():
            for tell in self._session.at_finish:
                tell()


def begun_session(config: pytest.Config) -> HeavySession | None:
    """The session, if anything was declared or guarded, or a fixture has asked for a module."""
    session: HeavySession | None = config.stash[state_key].session
    return session


def session_of(config: pytest.Config) -> HeavySession:
    """The session, begun now if it has not been."""
    return begun_session(config) or _begin(config)


def registry_of(config: pytest.Config) -> ModuleRegistry:
    """The session's registry, from ``config.stash``; for other plugins too, once pytest is configured."""
    with _lock:  # any thread may be the first to ask
        return session_of(config).registry


def begin_early(config: pytest.Config) -> None:
    """Begin with what the ini file declares, before the first conftest file is read; faults are told later."""
    session = _begin(config)
    session.declare(read_declarations(from_ini(config, []))[0])


def configure(config: pytest.Config, lines: Iterable[Line], faults: list[str]) -> HeavySession:
    """
    The session, with everything that is declared.

    Raises:
        pytest.UsageError: With a line for each declaration that can't be read, after those that are *faults* already.
    """
    declared, more_faults = read_declarations(lines)
    session = session_of(config)
    for check in session.at_check:
        more_faults += check(declared)
    if faults or more_faults:
        raise pytest.UsageError(*faults, *more_faults)
    session.declare(declared)
    if session.settings.is_guarded or session.settings.preload:
        from .config.reach import unreached

        session.unreached = unreached(
            declared.values(),
            protect=session.settings.protect,
            is_guarded=session.settings.is_guarded,
            is_preloaded=session.settings.preload,
        )
    session.notice_start()
    for tell in session.at_configure:
        tell()
    return session


def installed_packages(declared: Iterable[HeavyModule]) -> dict[str, str]:
    """The packages of declared modules that are installed, not code under test, each with its declaration."""
    from .facts.distributions import is_installed, locate

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


def _begin(config: pytest.Config) -> HeavySession:
    state = config.stash[state_key]
    session = state.session = HeavySession(config, settings_of(config))
    state.attach(session)
    config.pluginmanager.register(SessionHooks(session), "heavyimports-session")
    return session


def _skip(reason: str) -> NoReturn:
    __tracebackhide__ = True
    pytest.skip(reason)


def _fail(reason: str) -> NoReturn:
    __tracebackhide__ = True
    pytest.fail(reason, pytrace=False)
