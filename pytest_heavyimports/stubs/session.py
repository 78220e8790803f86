"""The stand-ins of one session of pytest: those of the whole run, and what is remembered of the real modules."""

from __future__ import annotations

# Imports in functions: few runs look at a real module, or have a stand-in for one test.
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING

import pytest

from ..config.options import (
    STUB_FILE_KEY,
    STUB_KEY,
    STUBBED_CACHE_KEY,
    ini_source,
    is_distributed,
    settings_of,
    stub_fault,
)
from ..errors import InvalidDeclaration, add_note
from ..facts.distributions import installed_version, locate
from ..facts.names import root
from ..facts.places import is_plumbing, shown_line
from ..imports.install import put_first
from ..imports.keeper import KEEPER
from ..imports.modules import is_stand_in, take_away
from .module import StandIn, StandInFinder

if TYPE_CHECKING:
    from ..errors import StandInRefused
    from .module import Configured, Entry
    from .surface import RealNames
    from .swap import Swap

NAMES_KEY = "heavyimports/names"
"""In pytest's cache: for each of these the names that the real one has, of the version seen last."""

MOST_REFUSALS = 1000
"""So many errors of one test are looked at: they keep their frames, and what those hold."""

stand_ins_key: pytest.StashKey[StandIns] = pytest.StashKey()


class StandIns:
    """The stand-ins of one session."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.of_run: dict[str, StandIn] = {}
        """By name; in place from before the first conftest file to the end."""
        self.swaps: list[Swap] = []
        """Those of the test that runs now."""
        self.refused: list[StandInRefused] = []
        """What they have refused since the last look at it."""
        self.at_first_refusal: Callable[[], object] | None = None
        self._finder = StandInFinder()
        self._before_test: list[tuple[StandIn, Mapping[Entry, Configured]]] = []
        self._seen: dict[str, tuple[int, RealNames | None]] = {}

    def begin_run(self, sources: Mapping[str, str]) -> None:
        """Put stand-ins in the place of these modules, each with who asked for it, until pytest ends."""
        self.of_run = {name: self._make(name, source) for name, source in sources.items()}
        self._finder = StandInFinder(*self.of_run.values())
        real = [name for name in sys.modules if self.covers(name)]
        handle = ExitStack()
        self.config.add_cleanup(handle.close)
        handle.callback(take_away(real))
        handle.callback(self._take_stand_ins_away)
        handle.enter_context(put_first(self._finder))

    def covers(self, fullname: str) -> StandIn | None:
        """The run's stand-in that a module belongs to."""
        return self._finder.covering(fullname)

    def reason(self, fullname: str) -> str:
        """Why a test can't have the real module; empty where this run has no stand-in of it."""
        stand_in = self.covers(fullname)
        return (
            f"needs the real {fullname!r}, and this run has a stand-in ({stand_in.origin.source})" if stand_in else ""
        )

    def begin_test(self) -> None:
        """The run's stand-ins begin anew, as they were before the last test."""
        for stand_in, states in self._before_test:
            stand_in.go_back(states)
        self._before_test = [(stand_in, stand_in.begin_anew()) for stand_in in self.of_run.values()]
        self.refused.clear()

    def put_in(self, name: str, item: pytest.Item) -> ModuleType:
        """
        Put a stand-in in the place of a module, until :meth:`take_out`.

        Raises:
            InvalidDeclaration: *name* can't be that of a heavy module.
        """
        if fault := stub_fault(name):
            raise InvalidDeclaration(name, fault=fault[0], remedy=fault[1])
        for swap in self.swaps:
            if swap.module.__name__ == name:
                return swap.module
        from .swap import Swap

        stand_in = self._make(name, f"{STUB_KEY}({name!r}), {item.nodeid}")
        self.find_names([stand_in])
        conftests, tests = _modules_of_pytest(item)
        own = item.getparent(pytest.Module)
        pointed = [*conftests, *([own.obj] if own else [])]
        self.swaps.append(Swap(stand_in, KEEPER, tests=pointed, others=tests))
        return self.swaps[-1].module

    def take_out(self) -> set[str]:
        """Put back what the test has had stand-ins of; the modules that are forgotten, since they saw one."""
        forgotten: set[str] = set()
        while self.swaps:
            forgotten |= self.swaps.pop().undo()
        return forgotten - sys.modules.keys()  # one may have been out only while another stand-in was in

    def take_swallowed(self, files_of_tests: Callable[[], Collection[str]]) -> StandInRefused | None:
        """
        The first refusal since the last look that somebody has caught, so that nobody was told; with a note of where.

        Args:
            files_of_tests: Gives the files that may expect a refusal: what is caught there counts as told.
        """
        refused, self.refused[:] = list(self.refused), ()
        files = files_of_tests() if refused else ()
        for error in refused:
            # The outermost entry of a traceback is the frame that has caught the exception.
            caught = error.__traceback__
            if caught and not _is_told(caught.tb_frame, files):
                line = shown_line(caught.tb_frame.f_code.co_filename, caught.tb_lineno, str(self.config.rootpath))
                add_note(error, f"It was caught at {line}, which went on without an answer.")
                return error
        return None

    # What the real ones have

    def find_names(self, stand_ins: Iterable[StandIn]) -> None:
        """Tell stand-ins what is known of the real modules. pytest has a cache once it is configured."""
        cache = getattr(self.config, "cache", None)
        for stand_in in stand_ins:
            stand_in.known = self._look_at(stand_in.fullname)
            for remembered in self._remembered(stand_in.fullname) if stand_in.known is None else ():
                # Not where another version is installed now.
                if stand_in.installed_version() in (None, remembered.version):
                    stand_in.known = stand_in.known.merged(remembered) if stand_in.known else remembered
            if cache is not None:
                remember_use(cache, stand_in.fullname)

    def _remembered(self, fullname: str) -> Iterator[RealNames]:
        """What the committed file, and pytest's cache, know of a real module."""
        if fullname in self.committed:
            yield self.committed[fullname]
        cache = getattr(self.config, "cache", None)
        if cache is not None and (names := cache.get(f"{NAMES_KEY}/{fullname}", None)):
            from .surface import RealNames

            if real := RealNames.from_json(names):
                yield real

    @cached_property
    def committed(self) -> dict[str, RealNames]:
        """What the file of the project knows of real modules, by name."""
        file = committed_file(self.config)
        if file is None or not file.exists():
            return {}
        from .surface import read_file

        return read_file(file)

    def _look_at(self, fullname: str) -> RealNames | None:
        """As ``look_at``, which takes some hundredths of a second, once for all that is imported."""
        if is_stand_in(sys.modules.get(fullname)) or fullname not in sys.modules:
            return None

        from .surface import look_at

        if self._seen.get(fullname, (0, None))[0] != len(sys.modules):
            self._seen[fullname] = len(sys.modules), look_at(fullname, self._seen.get(fullname, (0, None))[1])
        return self._seen[fullname][1]

    def _make(self, name: str, source: str) -> StandIn:
        return StandIn(name, source, self._on_refused, installed_version=partial(_installed_version, name))

    def _on_refused(self, refusal: StandInRefused) -> None:
        if len(self.refused) < MOST_REFUSALS:
            self.refused.append(refusal)
        told, self.at_first_refusal = self.at_first_refusal, None
        if told:
            told()

    def _take_stand_ins_away(self) -> None:
        take_away([name for name in sys.modules if self.covers(name)])


def stand_ins_of(config: pytest.Config) -> StandIns:
    """Those of the session, from ``config.stash``."""
    if stand_ins_key not in config.stash:
        config.stash[stand_ins_key] = StandIns(config)
    return config.stash[stand_ins_key]


def committed_file(config: pytest.Config) -> Path | None:
    """The file of the project that says what real modules have; ``None`` where it has none."""
    name = settings_of(config).stub_file
    return config.rootpath / name if name else None


def check_committed_file(config: pytest.Config) -> None:
    """
    Read the file.

    Raises:
        pytest.UsageError: It can't be read, or isn't there in a run that has stand-ins; and this run doesn't write it.
    """
    settings, file = settings_of(config), committed_file(config)
    is_update = settings.stub_update
    where = f"{STUB_FILE_KEY} ({ini_source(config, STUB_FILE_KEY)})"
    if is_update and file is None:
        raise pytest.UsageError(f"--heavy-stub-update: no file is set. Set {STUB_FILE_KEY} = tests/stand-ins.json.")
    if is_update and is_distributed(config):
        raise pytest.UsageError("--heavy-stub-update: one process must import the real modules. Leave out -n.")
    try:
        if file is not None and (file.exists() or settings.stub):
            from .surface import read_file

            stand_ins_of(config).committed = read_file(file)
    except (OSError, ValueError, LookupError, TypeError) as error:
        if not is_update:
            remedy = "To write it where the real modules are installed: pytest --heavy-stub-update"
            raise pytest.UsageError(f"{where}: {str(file)!r} can't be read: {error}. {remedy}") from None


SNAPSHOT_FLAGS = {
    "update_snapshots": "--snapshot-update",  # syrupy
    "update_new_snapshots_only": "--snapshot-update-new-only",
    "snapshot_update": "--snapshot-update",  # pytest-snapshot, snapshottest
    "force_regen": "--force-regen",  # pytest-regressions
    "regen_all": "--regen-all",
    "inline_snapshot": "--inline-snapshot",  # its shortcuts --fix and --review too
}
"""Flags of plugins that write what tests have computed into files, by what pytest calls their values."""
INLINE_READING = ("", "disable", "report", "short-report")
"""Words of ``--inline-snapshot=`` that have it write nothing."""


def check_no_snapshots(config: pytest.Config, stub: Mapping[str, str]) -> None:
    """
    Raise pytest.UsageError in a run that would write what stand-ins have given into snapshots.

    Args:
        config: That of the run.
        stub: Who asked for each stand-in, by the module's name.
    """
    for name, flag in SNAPSHOT_FLAGS.items():
        value = getattr(config.option, name, None)
        words = value.split(",") if isinstance(value, str) else ()
        writing = [word for word in words if word not in INLINE_READING]
        if value is True or writing:
            given = f"{flag}={','.join(writing)}" if writing else flag
            modules = ", ".join(f"{module!r} ({source})" for module, source in stub.items())
            raise pytest.UsageError(
                f"{given}: this run has stand-ins of {modules}, and what they give would be written into snapshots. "
                "Update snapshots in a run with the real modules."
            )


def update_committed_file(config: pytest.Config, names: Iterable[str]) -> tuple[Path, list[str]]:
    """Write what real modules have, of these and of those in the file; gives the file, and what is in it."""
    from .surface import look_at, write_file

    file, known = committed_file(config), stand_ins_of(config).committed
    assert file is not None  # check_committed_file
    written = dict(known)
    for name in {*names, *known}:
        if real := look_at(name):
            written[name] = real.merged(known[name]) if name in known else real
    write_file(file, written)
    return file, [f"{name} {real.version}".rstrip() for name, real in sorted(written.items())]


def remember_use(cache: pytest.Cache, fullname: str) -> None:
    """From now on, what the real module has is remembered at the end of each run that has imported it."""
    used = cache.get(STUBBED_CACHE_KEY, [])
    if fullname not in used:
        cache.set(STUBBED_CACHE_KEY, sorted([*used, fullname]))


def remember_names(cache: pytest.Cache) -> None:
    """Remember what the real modules have that this project uses stand-ins of."""
    from .surface import RealNames, look_at

    for fullname in cache.get(STUBBED_CACHE_KEY, []):
        if real := look_at(fullname):
            key = f"{NAMES_KEY}/{fullname}"
            known = RealNames.from_json(cache.get(key, None))
            if known is None or not known.covers(real):
                cache.set(key, (real.merged(known) if known else real).as_json())


def files_of_tests(item: pytest.Item) -> set[str]:
    """The files that pytest has executed: of tests, conftest files and plugins."""
    return {str(getattr(module, "__file__", "")) for module in chain(*_modules_of_pytest(item))}


def _installed_version(fullname: str) -> str | None:
    spec = locate(fullname)
    return installed_version(fullname) if spec and spec.origin else None


def _is_told(frame: FrameType, files: Collection[str]) -> bool:
    """Whether what a frame has caught is known to the test: caught by itself, by pytest or unittest, or not yet."""
    top = root(str(frame.f_globals.get("__name__")))
    file = frame.f_code.co_filename
    return top in ("_pytest", "pytest", "pluggy", "unittest") or file in files or is_plumbing(file)


def _modules_of_pytest(item: pytest.Item) -> tuple[list[ModuleType], list[ModuleType]]:
    """The conftest files, and the test files and plugins, of a session: executed by pytest, and not again."""
    plugins = [each for each in item.config.pluginmanager.get_plugins() if isinstance(each, ModuleType)]
    conftests = [each for each in plugins if str(getattr(each, "__file__", "")).endswith("conftest.py")]
    files = {each for test in item.session.items if (each := test.getparent(pytest.Module))}
    return conftests, [*plugins, *(each.obj for each in files)]
