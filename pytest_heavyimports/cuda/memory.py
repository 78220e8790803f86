"""Memory of devices that a test leaves allocated: how much, and which tensors hold it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, Protocol

SHOWN_TENSORS = 5


class Left(NamedTuple):
    """What is left on one device."""

    device: str
    size_bytes: int
    tensors: tuple[str, ...]
    """The largest, each with its type, shape and size."""
    others: int
    """How many more tensors."""
    unheld_bytes: int
    """The part that no tensor of Python's holds."""


class Held(NamedTuple):
    """A storage, and a tensor that holds it."""

    device: str
    size_bytes: int
    shown: str
    tensor: weakref.ref[Any]


class Memory(Protocol):
    """What is asked of a library that allocates on devices."""

    def allocated(self) -> Mapping[str, int]:
        """Bytes of each device that are in use; empty where nothing was ever allocated."""

    def trim(self) -> None:
        """Free what the library keeps for itself."""

    def collect(self) -> None:
        """Free what nobody can reach any more."""

    def held(self) -> Iterator[Held]:
        """The storages that tensors hold, each once."""


class TorchMemory:
    """The memory of torch's devices, in this process. Asking for it initialises nothing."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def allocated(self) -> Mapping[str, int]:
        """As ``torch.cuda.memory_allocated`` has it, without what the allocator rounds up."""
        cuda = self._torch.cuda
        if not cuda.is_initialized():
            return {}
        return {f"cuda:{number}": _requested(cuda.memory_stats(number)) for number in range(cuda.device_count())}

    def trim(self) -> None:
        """The workspaces of cuBLAS, which the first product allocates, and the blocks that the allocator keeps."""
        # Private, and what torch's own search for leaks calls (CudaMemoryLeakCheck).
        clear = getattr(getattr(self._torch, "_C", None), "_cuda_clearCublasWorkspaces", None)
        if clear:
            clear()
        self._torch.cuda.empty_cache()

    def collect(self) -> None:
        """Unreachable cycles, and the blocks that are free then."""
        gc.collect()
        self._torch.cuda.empty_cache()

    def held(self) -> Iterator[Held]:
        """Those of the tensors on CUDA devices."""
        return held_tensors(self._torch, "cuda")


def _requested(stats: Mapping[str, int]) -> int:
    # The allocator of CUDA itself (backend:cudaMallocAsync) doesn't count what was asked for.
    return stats.get("requested_bytes.all.current", 0) or stats.get("allocated_bytes.all.current", 0)


def held_tensors(torch: Any, kind: str) -> Iterator[Held]:
    """The storages on devices of one kind that tensors of Python hold, each once: a view holds its base's."""
    seen: set[tuple[str, int]] = set()
    for value in gc.get_objects():
        if not issubclass(type(value), torch.Tensor):  # isinstance would wake proxies
            continue
        with suppress(Exception):  # tensors of other libraries, that have no storage
            if value.device.type != kind:
                continue
            storage = value.untyped_storage()
            place = str(value.device), storage.data_ptr()
            if place not in seen:
                seen.add(place)
                dtype = str(value.dtype).removeprefix("torch.")
                shown = f"{type(value).__name__} of {dtype} {tuple(value.shape)}"
                yield Held(place[0], storage.nbytes(), shown, weakref.ref(value))


class MemoryWatch:
    """
    Compares what is allocated after a test with what was before it.

    Nothing is collected and no tensor looked for unless more is allocated than before: of a test that leaves nothing
    only the counters are read. What a fixture of a wider scope allocates while it is set up is its own until it ends.
    """

    def __init__(self, memory: Memory, tolerance_bytes: int) -> None:
        self._memory = memory
        self._tolerance_bytes = tolerance_bytes
        self._expected: dict[str, int] = {}
        self._known: dict[int, weakref.ref[Any]] = {}
        self._known_at: Mapping[str, int] = {}
        self._of_fixtures: dict[Hashable, Mapping[str, int]] = {}
        self._is_in_fixture = False

    def begin(self) -> None:
        """A test begins."""
        self._settles(0)  # tests that nobody watches may have left something
        self._expected = dict(self._memory.allocated())
        self._remember()

    @contextmanager
    def setting_up(self, fixture: Hashable) -> Iterator[None]:
        """Around the setup of a fixture that outlives the test; those that it asks for are counted with it."""
        if self._is_in_fixture:
            yield
            return
        before = self._memory.allocated()
        self._is_in_fixture = True
        try:
            yield
        finally:
            self._is_in_fixture = False
            self._own(fixture, _difference(self._memory.allocated(), before))

    def finalized(self, fixture: Hashable) -> None:
        """A fixture has ended, and what it allocated should be free."""
        for device, size in self._of_fixtures.pop(fixture, {}).items():
            self._expected[device] = self._expected.get(device, 0) - size

    def end(self, release: Callable[[], object]) -> list[Left]:
        """
        The test has ended, its fixtures too.

        Args:
            release: Lets go of what nobody needs any more, where that is in question.

        Returns:
            What is left of the test on each device. It is expected from now on.
        """
        if self._settles(self._tolerance_bytes, release):
            return []
        allocated = self._memory.allocated()
        grown = _difference(allocated, self._expected)
        left = [self._left(device, size) for device, size in grown.items() if size > self._tolerance_bytes]
        self._expected = dict(allocated)
        return left

    def _settles(self, tolerance_bytes: int, release: Callable[[], object] = lambda: None) -> bool:
        """Whether no more is allocated than expected, after as much cleaning as that takes: the cheapest first."""
        for clean in (lambda: None, release, self._memory.trim, self._memory.collect):
            clean()
            grown = _difference(self._memory.allocated(), self._expected)
            if all(size <= tolerance_bytes for size in grown.values()):
                return True
        return False

    def _own(self, fixture: Hashable, grown: Mapping[str, int]) -> None:
        if any(grown.values()):
            self._of_fixtures[fixture] = {device: max(size, 0) for device, size in grown.items()}
            for device, size in grown.items():
                self._expected[device] = self._expected.get(device, 0) + size
            self._remember()

    def _remember(self) -> None:
        """Know the tensors that are there, unless nothing has changed since they were looked for."""
        allocated = self._memory.allocated()
        if allocated != self._known_at:
            self._known_at = allocated
            held = self._memory.held() if any(allocated.values()) else ()
            self._known = {id(one.tensor()): one.tensor for one in held}

    def _left(self, device: str, size_bytes: int) -> Left:
        held = [one for one in self._memory.held() if one.device == device and not self._is_known(one.tensor())]
        held.sort(key=lambda one: -one.size_bytes)
        shown = tuple(f"{one.shown}, {shown_size(one.size_bytes)}" for one in held[:SHOWN_TENSORS])
        unheld_bytes = max(size_bytes - sum(one.size_bytes for one in held), 0)
        return Left(device, size_bytes, shown, max(len(held) - SHOWN_TENSORS, 0), unheld_bytes)

    def _is_known(self, tensor: object) -> bool:
        known = self._known.get(id(tensor))
        return known is not None and known() is tensor


def shown_size(size_bytes: int) -> str:
    """A size as people read it."""
    for unit, power in (("GiB", 3), ("MiB", 2), ("KiB", 1)):
        if size_bytes >= 1024**power:
            return f"{size_bytes / 1024**power:.3g} {unit}"
    return f"{size_bytes} bytes"


def _difference(after: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {device: size - before.get(device, 0) for device, size in after.items()}
