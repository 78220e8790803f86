"""Measures the loading of every module: what it was a part of, how long it took, how much memory it came to."""

from __future__ import annotations

import sys
import threading
from _tracemalloc import get_traced_memory, is_tracing  # without the module around them, which few runs have loaded
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from ..facts.measure import ResidentSet
from ..facts.places import Place, is_plumbing
from ..facts.records import Load
from .finder import FINDING, is_import
from .install import put_first
from .loader import GivingLoader, Wrapper, as_import_system

if TYPE_CHECKING:
    from ..facts.measure import Clock


class _Running:
    """A load that is going on, or over."""

    __slots__ = tuple("begin_ns end_ns error fullname importer is_going_on is_over memory place thread".split())

    def __init__(self, fullname: str, importer: _Running | None, thread: str, begin_ns: int) -> None:
        self.fullname = fullname
        self.importer = importer
        self.thread = thread
        self.begin_ns = self.end_ns = begin_ns
        self.memory: list[tuple[int | None, int | None]] = []
        """Before and after."""
        self.place: Place | None = None
        self.error = ""
        self.is_going_on = False
        self.is_over = False


class _MeasuredThread(threading.local):
    """What a thread is loading."""

    def __init__(self, names: Counter[str]) -> None:
        """*names* counts the threads that had each name."""
        self.stack: list[_Running] = []
        self.latest: object = None
        """The loader that was the last to be found, or to create a module: what comes next of it is the same load."""
        self.is_asking = False
        name = threading.current_thread().name
        names[name] += 1
        self.name = name if names[name] == 1 else f"{name} ({names[name]})"


class Measurer:
    """
    Notes the loads of this process, those of each thread as trees of their own.

    What nobody executes is no load: builtin and frozen modules are, namespace packages and modules that are there
    already are not.
    """

    def __init__(
        self,
        clock: Clock,
        place: Callable[[], Place],
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """
        Args:
            clock: Counts from the beginning of the session.
            place: Tells where an import statement stands; asked of heavy modules and of outermost ones.
            around: Called for each heavy module, and entered while it is executed.
        """
        self.heavy: frozenset[str] = frozenset()
        self.read_ns = clock.read_ns
        self._clock = clock
        self._place = place
        self._around = around
        self._resident = ResidentSet()
        self._loads: list[_Running] = []
        self._taken = 0
        self.thread = _MeasuredThread(Counter())

    def close(self) -> None:
        """No more is to be measured."""
        self._resident.close()

    def around(self, fullname: str) -> AbstractContextManager[object]:
        """What is to be entered while a module is executed."""
        return self._around() if fullname in self.heavy else nullcontext()

    def begin(self, loader: MeasuredLoader, fullname: str) -> _Running:
        """A module is created, or executed."""
        thread, now_ns = self.thread, self.read_ns()
        is_next = thread.latest is loader
        load = loader.load
        if load is None or not is_next:
            importer = thread.stack[-1] if thread.stack else None
            load = loader.load = _Running(fullname, importer, thread.name, loader.found_ns if is_next else now_ns)
            load.memory.append(self._memory(now_ns, is_exact=importer is None))
            if importer is None or fullname in self.heavy:
                load.place = self._place()
            self._loads.append(load)
        load.is_going_on = True
        thread.stack.append(load)
        return load

    def end(self, loader: MeasuredLoader, load: _Running, *, is_over: bool) -> None:
        """It is there."""
        thread = self.thread
        thread.stack.pop()
        thread.latest = loader
        load.is_going_on = False
        load.is_over = is_over
        load.end_ns = now_ns = self.read_ns()
        load.memory[1:] = [self._memory(now_ns, is_exact=not thread.stack)]

    def has_loaded(self, fullname: str) -> bool:
        """Whether a load of the module was noted."""
        return any(load.fullname == fullname for load in self._loads)

    def take(self, *, is_last: bool) -> list[Load]:
        """The loads since the last call: those before which all are over; or all, as if they were over now."""
        begin, end = self._taken, len(self._loads)
        if not is_last:
            end = next((number for number in range(begin, end) if not self._loads[number].is_over), end)
        self._taken = end
        return self._records(begin, end)

    def _records(self, begin: int, end: int) -> list[Load]:
        numbers = {id(load): number for number, load in enumerate(self._loads[:end])}
        return [self._record(load, numbers) for load in self._loads[begin:end]]

    def _record(self, load: _Running, numbers: dict[int, int]) -> Load:
        before, after = load.memory[0], load.memory[-1]
        end_ns = self.read_ns() if load.is_going_on else load.end_ns
        return Load(
            load.fullname,
            numbers[id(load.importer)] if load.importer else -1,
            load.thread,
            self._clock.of(load.begin_ns),
            self._clock.of(end_ns),
            before[0],
            after[0],
            before[1],
            after[1],
            load.place,
            load.error,
        )

    def _memory(self, now_ns: int, *, is_exact: bool) -> tuple[int | None, int | None]:
        resident = self._resident.bytes_at(now_ns, is_exact=is_exact)
        return resident, get_traced_memory()[0] if is_tracing() else None


class MeasuringFinder:
    """Leaves the finding to the finders after it, and has what they find measured."""

    wraps_loaders = True

    def __init__(self, measurer: Measurer) -> None:
        self._measurer = measurer

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Reference: "The meta path" in Python's language reference."""
        thread = self._measurer.thread
        # Whoever only asks gets the real loader, from the others. A finder before us may ask us, or one after us that
        # asks all others: the guard's of an outer session.
        if target is not None or thread.is_asking or not _is_for_import(sys._getframe(1)):
            return None
        found_ns = self._measurer.read_ns()
        thread.is_asking = True
        try:
            spec = self._ask_others(fullname, path)
        finally:
            thread.is_asking = False
        if spec is not None and hasattr(spec.loader, "exec_module") and not isinstance(spec.loader, GivingLoader):
            loader = MeasuredLoader(spec.loader, self._measurer, found_ns)
            spec.loader = loader  # type: ignore[assignment]  # a duck
            thread.latest = loader
        return spec

    def _ask_others(self, fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
        is_after = False
        for finder in sys.meta_path:
            if is_after and hasattr(finder, "find_spec"):
                spec: ModuleSpec | None = finder.find_spec(fullname, path)
                if spec is not None:
                    return spec
            elif finder is self:
                is_after = True
        return None


class MeasuredLoader(Wrapper):
    """Has the measurer note what the real loader does."""

    def __init__(self, loader: Any, measurer: Measurer, found_ns: int) -> None:
        self._loader = loader
        self._measurer = measurer
        self.found_ns = found_ns
        self.load: _Running | None = None

    @as_import_system
    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if type(self._loader) is SourceFileLoader:
            return None
        load = self._measurer.begin(self, spec.name)
        try:
            module: ModuleType | None = self._loader.create_module(spec)
            return module
        except BaseException as error:
            load.error = repr(error)
            raise
        finally:
            self._measurer.end(self, load, is_over=bool(load.error))

    @as_import_system
    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None  # the import system sets it before it calls us
        spec.loader = module.__loader__ = self._loader
        load = self._measurer.begin(self, spec.name)
        try:
            with self._measurer.around(spec.name):
                self._loader.exec_module(module)
        except BaseException as error:
            load.error = repr(error)
            raise
        finally:
            self._measurer.end(self, load, is_over=True)


def install_measuring(measurer: Measurer) -> ExitStack:
    """
    Measure every import until the returned handle is closed.

    To be called before the others here: their finders ask this one, which would ask them.
    """
    handle = put_first(MeasuringFinder(measurer))
    handle.callback(measurer.close)
    return handle


def _is_for_import(asker: FrameType) -> bool:
    """Whether importlib asks, for an import, be it by way of a finder of this package."""
    frame: FrameType | None = asker
    while frame is not None and frame.f_code.co_name != FINDING and is_plumbing(frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and is_import(frame)
