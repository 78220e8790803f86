"""What a block of code costs."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from pytest_heavyimports.facts import measure
from pytest_heavyimports.facts.measure import Clock, Cost, ResidentSet, rss_bytes

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the resident set is read from /proc")


def test_seconds_are_those_of_the_wall_clock() -> None:
    """Waiting counts."""
    with Cost() as cost:
        time.sleep(0.05)
    assert 0.05 <= cost.duration_s < 5


@linux_only
def test_growth_of_the_resident_set_is_in_bytes() -> None:
    """64 MiB that are written to are at least 60 MiB of growth, and not a thousand times as much."""
    code = "with Cost() as cost:\n    block = bytearray(b'x') * (64 * 2**20)\nprint(cost.rss_growth_bytes)"
    # In a process of its own: of a large one, the kernel may take unused pages away meanwhile.
    command = [sys.executable, "-c", f"from pytest_heavyimports.facts.measure import Cost\n{code}"]
    growth_bytes = int(subprocess.run(command, capture_output=True, check=True).stdout)
    assert 60 * 2**20 < growth_bytes < 1000 * 2**20


def test_an_error_passes_and_the_cost_is_known() -> None:
    """A failed import has a cost, too."""
    cost = Cost()
    with pytest.raises(OSError, match="broken"), cost:
        raise OSError("broken")
    assert cost.duration_s >= 0


def test_without_proc_the_growth_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Where the system doesn't tell the resident set, nobody guesses it."""
    monkeypatch.setattr(measure, "_STATM", f"{tmp_path}/not-there")
    with Cost() as cost:
        pass
    assert rss_bytes() is None
    assert cost.rss_growth_bytes is None
    assert cost.duration_s >= 0


def test_a_figure_of_memory_is_asked_for_once_a_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that must be exact is asked for at once."""
    resident, figures = ResidentSet(), iter(range(10))
    monkeypatch.setattr(resident, "_ask", lambda: next(figures))
    now = 10 * ResidentSet.MAX_AGE_NS
    asked = [(0, False), (ResidentSet.MAX_AGE_NS, False), (ResidentSet.MAX_AGE_NS + 1, False), (0, True)]
    assert [resident.bytes_at(now + later, is_exact=exact) for later, exact in asked] == [0, 0, 1, 2]


FORKED = """
import os
from pytest_heavyimports.facts.measure import ResidentSet

resident = ResidentSet()
before = resident.bytes_at(0, is_exact=True)
if os.fork() == 0:
    block = bytearray(b"x") * (64 * 2**20)
    print(resident.bytes_at(0, is_exact=True) - before, flush=True)
    os._exit(0)
os.wait()
"""


@linux_only
def test_a_forked_child_is_told_about_itself() -> None:
    """The file that was open before the fork is its parent's."""
    # In processes of its own: of a large one, the kernel may take unused pages away meanwhile.
    growth_bytes = int(subprocess.run([sys.executable, "-c", FORKED], capture_output=True, check=True).stdout)
    assert growth_bytes > 30 * 2**20


def test_microseconds_are_whole() -> None:
    """So that a part of a part is where it is, and differences are exact."""
    clock = Clock()
    assert [clock.of(clock.zero_ns + ns) for ns in (0, 999, 1000, 1999)] == [0, 0, 1, 1]
    assert clock() >= 0


def test_a_frozen_clock_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As freezegun does it: in ``time``, and wherever a module has a function of it."""
    names = ("perf_counter", "perf_counter_ns", "monotonic", "time", "time_ns")
    real = {id(getattr(time, name)): name for name in names}
    sleep = time.sleep
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if id(value) in real:
                monkeypatch.setattr(module, name, lambda: 0)
    clock = Clock()
    with Cost() as cost:
        sleep(0.01)
    monkeypatch.undo()
    assert clock() >= 10_000
    assert cost.duration_s >= 0.01
    assert abs(clock.epoch_s - time.time()) < 60


def test_measuring_begins_under_a_frozen_clock() -> None:
    """Where the room is loaded then, the functions of ``time`` are fakes already."""
    code = (
        "import sys, time\nreal = time.sleep\ntime.perf_counter_ns = time.time = lambda: 0\n"
        "from pytest_heavyimports.facts.measure import Clock\nclock = Clock()\nreal(0.01)\nprint(clock() >= 10_000)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"
