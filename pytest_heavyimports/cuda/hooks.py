"""pytest's hooks where tests use CUDA: who may run here and when, on which devices, and what a test leaves there."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from ..config.needs import Needs, combined_needs
from ..config.options import CUDA_MARK, CUDA_WORKERS_KEY, is_worker, settings_of
from ..errors import CudaMemoryLeaked, HeavyImportWarning, torch_changed
from ..facts.distributions import locate
from ..process.environment import set_variables
from ..session import registry_of
from ..telling import tell_test
from .dealing import DEALT, Worker, worker_of
from .driver import is_driver_started
from .memory import MemoryWatch, TorchMemory, shown_size
from .session import CudaSession
from .state import TorchState
from .turns import taking_turn

if TYPE_CHECKING:
    from .memory import Left

cuda_key: pytest.StashKey[CudaSession] = pytest.StashKey()
"""What the session knows of CUDA; set when a test is to use it, or the devices are dealt."""


class CudaHooks(Hooks):
    """Skips what can't run here, deals the devices, and lets few tests use them at once."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    # The tests that are selected are known, and none has run.
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if any(map(is_cuda, session.items)) and not session.config.option.collectonly:
            settle(session.config)

    # Before pytest looks at the marks for skipping.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if is_cuda(item) and (reason := unmet(item)):
            item.add_marker(pytest.mark.skip(reason=reason))

    # Outermost: the time limit of a test doesn't run while it waits.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        with ExitStack() as stack:
            worker, file = _worker(item.config), _file_of_turns(item.config)
            if worker and file and is_cuda(item) and not unmet(item):
                turns = self._workers or len(cuda_of(item.config).named)
                stack.enter_context(taking_turn(file, worker.number % turns))
            return (yield)


class LeakHooks(Hooks):
    """Registered where a test is to leave nothing behind."""

    def __init__(self, mode: str, tolerance_bytes: int) -> None:
        self._mode = mode
        self._tolerance_bytes = tolerance_bytes
        self._watch: MemoryWatch | None = None
        self._before: TorchState | None = None
        """Of the test that is running, if it is one that is to be judged."""

    # After all who may skip the test, and before its fixtures.
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if not is_cuda(item) or locate("torch") is None:
            return
        torch = registry_of(item.config).get("torch")
        self._watch = self._watch or MemoryWatch(TorchMemory(torch), self._tolerance_bytes)
        self._watch.begin()
        self._before = TorchState(torch)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        if self._watch is None or fixturedef.scope == "function":
            return (yield)
        with self._watch.setting_up(fixturedef):
            return (yield)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[object]) -> None:
        if self._watch:
            self._watch.finalized(fixturedef)

    # What a test leaves that has failed is held by its traceback.
    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except BaseException:
            self._before = None
            raise

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        __tracebackhide__ = True
        before, self._before = self._before, None
        result = yield
        if before and self._watch:
            self._tell(item, before, self._watch)
        return result

    def _tell(self, item: pytest.Item, before: TorchState, watch: MemoryWatch) -> None:
        __tracebackhide__ = True
        changes = before.changes(type(before)(registry_of(item.config).get("torch")))
        tell_test([torch_changed(item.nodeid, changes)] if changes else [], item, "warn")
        left = watch.end(getattr(item, "funcargs", {}).clear)
        tell_test([_leak(item, one) for one in left], item, self._mode)


def attach(config: pytest.Config) -> None:
    """Tests that use CUDA were collected, perhaps not for the first time."""
    settings = settings_of(config)
    if config.pluginmanager.has_plugin("heavyimports-cuda"):
        return
    config.pluginmanager.register(CudaHooks(settings.cuda_workers), "heavyimports-cuda")
    if settings.cuda_leak != "off":
        hooks = LeakHooks(settings.cuda_leak, settings.cuda_leak_tolerance)
        config.pluginmanager.register(hooks, "heavyimports-cuda-leak")


def attach_early(config: pytest.Config) -> None:
    """Deal the devices before the first conftest file is read, where this is a worker of pytest-xdist."""
    worker = worker_of(os.environ)
    if worker and os.environ.get(DEALT) != worker.run:
        config.add_cleanup(set_variables(cuda_of(config).deal(worker)))


def settle(config: pytest.Config) -> None:
    """Deal the devices, unless that has been done, before a test uses them; say so where it is too late."""
    cuda, worker = cuda_of(config), _worker(config)
    if worker and os.environ.get(DEALT) == worker.run:
        return
    if not is_driver_started():
        config.add_cleanup(set_variables(cuda.deal(worker) if worker else cuda.order()))
    elif worker and len(cuda.named) > 1:
        warnings.warn(
            "The CUDA devices were not dealt to the workers of pytest-xdist: CUDA was initialised while the tests were "
            f"collected, and each worker sees all devices. Set {CUDA_WORKERS_KEY} = {len(cuda.named)}, and they are "
            "dealt before the first conftest.py is read.",
            HeavyImportWarning,
            stacklevel=1,
        )


def cuda_of(config: pytest.Config) -> CudaSession:
    """What the session knows of CUDA."""
    if cuda_key not in config.stash:
        config.stash[cuda_key] = CudaSession(os.environ)
    return config.stash[cuda_key]


def is_cuda(item: pytest.Item) -> bool:
    """Whether a test has the mark ``cuda``, by hand or because it asks for a device by fixture."""
    return item.get_closest_marker(CUDA_MARK) is not None


def needs_of(item: pytest.Item) -> Needs:
    """What its marks say."""
    return combined_needs((mark.args, mark.kwargs) for mark in item.iter_markers(CUDA_MARK))


def unmet(item: pytest.Item) -> str:
    """Why a test can't run here; empty where it can."""
    any_will_do = "cuda_device" in getattr(item, "fixturenames", ())
    return cuda_of(item.config).unmet(needs_of(item), any_will_do=any_will_do)


def number_for(item: pytest.Item) -> int:
    """The number of the device that a test may use; skips where there is none."""
    __tracebackhide__ = True
    cuda, needs = cuda_of(item.config), needs_of(item)
    if reason := cuda.unmet(needs, any_will_do=True):  # it asks by request.getfixturevalue
        pytest.skip(reason)
    return cuda.number_for(needs)


def _worker(config: pytest.Config) -> Worker | None:
    """The worker that this process is, not one that has started it."""
    return worker_of(os.environ) if is_worker(config) else None


def _file_of_turns(config: pytest.Config) -> Path | None:
    """In the directory that the workers of a run share, which pytest removes; there is none on another machine."""
    basetemp = config.option.basetemp
    return Path(basetemp).parent / "cuda-turns" if basetemp else None


def _leak(item: pytest.Item, left: Left) -> CudaMemoryLeaked:
    more = [f"{left.others} more"] if left.others else []
    return CudaMemoryLeaked(
        item.nodeid,
        device=left.device,
        size=shown_size(left.size_bytes),
        tensors="; ".join([*left.tensors, *more]),
        unheld=f"{shown_size(left.unheld_bytes)}, by no tensor of Python's" if left.unheld_bytes else "",
    )
