"""What is left allocated after a test, of a memory that is a list of blocks."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator, Mapping

import pytest

from pytest_heavyimports.cuda.memory import Held, Left, MemoryWatch, shown_size


class Block:
    def __init__(
        self, memory: SimulatedMemory, size_bytes: int, device: str = "cuda:0", is_python: bool = True
    ) -> None:
        self.size_bytes, self.device, self.is_python = size_bytes, device, is_python
        memory.blocks.append(weakref.ref(self))


class SimulatedMemory:
    """Counts the blocks that are alive, and how often it was asked to do something costly."""

    def __init__(self) -> None:
        self.blocks: list[weakref.ref[Block]] = []
        self.workspace: list[Block] = []
        self.collections = 0
        self.looks = 0

    def alive(self) -> list[Block]:
        return [block for ref in self.blocks if (block := ref())]

    def allocated(self) -> Mapping[str, int]:
        sizes: dict[str, int] = {}
        for block in self.alive():
            sizes[block.device] = sizes.get(block.device, 0) + block.size_bytes
        return sizes

    def trim(self) -> None:
        self.workspace.clear()

    def collect(self) -> None:
        self.collections += 1
        gc.collect()

    def held(self) -> Iterator[Held]:
        self.looks += 1
        for block in self.alive():
            if block.is_python:
                yield Held(block.device, block.size_bytes, f"Block {block.size_bytes}", weakref.ref(block))


@pytest.fixture
def memory() -> SimulatedMemory:
    return SimulatedMemory()


@pytest.fixture
def watch(memory: SimulatedMemory) -> MemoryWatch:
    watch = MemoryWatch(memory, 0)
    watch.begin()
    return watch


def end(watch: MemoryWatch) -> list[Left]:
    return watch.end(lambda: None)


def cycle(memory: SimulatedMemory, size_bytes: int) -> None:
    block = Block(memory, size_bytes)
    vars(block)["itself"] = block


def test_nothing_is_left(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """And nothing costly was done."""
    Block(memory, 10)
    assert end(watch) == []
    assert (memory.collections, memory.looks) == (0, 0)


def test_what_is_left_is_told_once(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """With what holds it, the largest first; the next test is not blamed for it."""
    kept = [Block(memory, size) for size in (10, 2048, 300)]
    assert end(watch) == [
        Left("cuda:0", 2358, ("Block 2048, 2 KiB", "Block 300, 300 bytes", "Block 10, 10 bytes"), 0, 0)
    ]
    assert end(watch) == []
    watch.begin()
    kept.append(Block(memory, 7))
    assert end(watch) == [Left("cuda:0", 7, ("Block 7, 7 bytes",), 0, 0)]


def test_what_the_library_keeps_is_not_left(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """It is freed before anything is collected."""
    memory.workspace.append(Block(memory, 10))
    assert end(watch) == []
    assert memory.collections == 0


def test_garbage_is_not_left(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """Cycles are collected before anybody is blamed."""
    gc.disable()
    try:
        cycle(memory, 10)
        assert memory.allocated() == {"cuda:0": 10}
        assert end(watch) == []
    finally:
        gc.enable()


def test_garbage_from_before_hides_nothing(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """Where others left some, a test that leaves as much is blamed all the same."""
    gc.disable()
    try:
        cycle(memory, 10)
        watch.begin()
        kept = Block(memory, 10)
        assert [left.size_bytes for left in end(watch)] == [kept.size_bytes]
    finally:
        gc.enable()


def test_what_nobody_needs_any_more_is_let_go(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """pytest keeps the arguments of a test for longer than the test."""
    arguments = {"block": Block(memory, 10)}
    assert watch.end(arguments.clear) == []


def test_within_the_tolerance(memory: SimulatedMemory) -> None:
    """So much may stay, and not a byte more."""
    watch = MemoryWatch(memory, 100)
    watch.begin()
    kept = [Block(memory, 100)]
    assert end(watch) == []
    watch.begin()
    kept.append(Block(memory, 101))
    assert [left.size_bytes for left in end(watch)] == [101]


def test_each_device_by_itself(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """What one has freed doesn't make up for another."""
    first = [Block(memory, 50)]
    watch.begin()
    second = Block(memory, 10, "cuda:1")
    first.clear()
    assert end(watch) == [Left("cuda:1", second.size_bytes, ("Block 10, 10 bytes",), 0, 0)]


def test_what_no_tensor_holds(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """Memory that is held outside of Python has a size of its own."""
    kept = Block(memory, 10), Block(memory, 90, is_python=False)
    assert end(watch) == [Left("cuda:0", 100, ("Block 10, 10 bytes",), 0, 90)]
    assert kept


def test_many_tensors(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """Five are told, the rest counted."""
    kept = [Block(memory, 1) for _ in range(12)]
    (left,) = end(watch)
    assert (len(left.tensors), left.others) == (5, 7)
    assert kept


def test_older_tensors_are_not_blamed(memory: SimulatedMemory) -> None:
    """And not looked for again as long as nothing changes."""
    older = Block(memory, 1000)
    watch = MemoryWatch(memory, 0)
    for _ in range(5):
        watch.begin()
        assert end(watch) == []
    assert memory.looks == 1
    watch.begin()
    newer = Block(memory, 5)
    assert end(watch) == [Left("cuda:0", 5, ("Block 5, 5 bytes",), 0, 0)]
    assert older
    assert newer


def test_a_fixture_of_a_wider_scope(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """What it allocates in its setup stays as long as it does."""
    with watch.setting_up("model"):
        model = [Block(memory, 1000)]
        with watch.setting_up("weights"):  # asked for by the other one
            weights = [Block(memory, 500)]
    assert end(watch) == []
    watch.begin()
    leak = Block(memory, 30)
    weights.clear()
    model.clear()
    watch.finalized("weights")
    watch.finalized("model")
    watch.finalized("of this test alone")
    assert end(watch) == [Left("cuda:0", leak.size_bytes, ("Block 30, 30 bytes",), 0, 0)]


def test_a_fixture_that_leaves_something(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """It is told with the last test that used it."""
    with watch.setting_up("model"):
        model = Block(memory, 1000)
    watch.finalized("model")
    assert [left.size_bytes for left in end(watch)] == [model.size_bytes]


def test_a_fixture_whose_setup_fails(memory: SimulatedMemory, watch: MemoryWatch) -> None:
    """Later ones are measured as ever."""
    with pytest.raises(ZeroDivisionError), watch.setting_up("broken"):
        raise ZeroDivisionError
    with watch.setting_up("model"):
        model = Block(memory, 1000)
    assert end(watch) == []
    assert model


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"), (4 * 2**20, "4 MiB"), (2**34, "16 GiB")],
)
def test_sizes(size_bytes: int, shown: str) -> None:
    """In the unit that fits."""
    assert shown_size(size_bytes) == shown
