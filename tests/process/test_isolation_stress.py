"""Isolated tests, one in ten of which dies or does harm in one of nineteen ways: every outcome right, nothing left."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from ..support.collector import COLLECTOR
from ..support.waiting import are_gone

if TYPE_CHECKING:
    from ..support.suite import Suite

WAYS = """
    import ctypes
    import os
    import resource
    import signal
    import sys
    import threading
    import time

    import pytest

    DESCRIPTORS = range(3, 256)

    def write_everywhere():
        for file in DESCRIPTORS:
            try:
                os.write(file, b"garbage" * 100)
            except OSError:
                pass

    def fill_pipes():
        for file in DESCRIPTORS:
            try:
                os.set_blocking(file, False)
                for _ in range(100):
                    os.write(file, b"x" * 4096)
            except OSError:
                pass

    def leave_a_daemon():
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.write(writing, b"x")
                time.sleep(300)
            os._exit(0)
        os.read(reading, 1)

    def replace_all():
        nowhere = os.open(os.devnull, os.O_RDWR)
        for file in DESCRIPTORS:
            os.dup2(nowhere, file)

    def open_all():
        try:
            while True:
                os.dup(0)
        except OSError:
            pass

    def come_out_twice():
        if os.fork() == 0:
            raise SystemExit(3)

    def write_for_ever():
        def write():
            while True:
                write_everywhere()
        threading.Thread(target=write, daemon=True).start()
        print("x" * 100_000)

    def exhaust_memory():
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**24, resource.RLIM_INFINITY))
        bytearray(2**30)

    WAYS = [
        ("failed", lambda: ctypes.string_at(0)),
        ("failed", lambda: os.kill(os.getpid(), signal.SIGKILL)),
        ("failed", lambda: os._exit(0)),
        ("failed", os.abort),
        ("passed", write_everywhere),
        ("failed", lambda: (write_everywhere(), pytest.fail("its own"))),
        ("passed", fill_pipes),
        ("passed", leave_a_daemon),
        ("failed", lambda: (leave_a_daemon(), os.kill(os.getpid(), signal.SIGKILL))),
        ("passed", lambda: (os.close(1), os.close(2))),
        ("failed", lambda: sys.stdout.close()),
        ("failed", lambda: os.closerange(3, 256)),
        ("failed", replace_all),
        ("failed", lambda: os.kill(os.getpid(), signal.SIGSTOP)),
        ("failed", lambda: os.killpg(0, signal.SIGTERM)),
        ("passed", open_all),
        ("passed", come_out_twice),
        ("passed", write_for_ever),
        ("failed", exhaust_memory),
    ]
    assert len(WAYS) == 19

    @pytest.mark.parametrize("number", range({count}))
    def test_it(number, record_property):
        if number % 10 == 0:
            WAYS[number // 10 % len(WAYS)][1]()
    """


WORKERS = ("-p", "xdist", "-n", "2")


def outcomes(suite: Suite) -> dict[str, str]:
    """What is right for each test."""
    count = int((suite.path / "count").read_text())
    text = (suite.path / "test_it.py").read_text()
    ways = [line.split('"')[1] for line in text.splitlines() if line.strip().startswith(('("failed"', '("passed"'))]
    wanted = {number: "passed" if number % 10 else ways[number // 10 % len(ways)] for number in range(count)}
    return {f"test_it.py::test_it[{number}]": outcome for number, outcome in wanted.items()}


@pytest.mark.parametrize(
    ("count", "workers"),
    [
        pytest.param(190, (), id="190-alone"),
        pytest.param(190, WORKERS, id="190-workers", marks=pytest.mark.slow),
        pytest.param(1000, (), id="1000-alone", marks=pytest.mark.slow),
        pytest.param(1000, WORKERS, id="1000-workers", marks=pytest.mark.slow),
    ],
)
def test_nineteen_ways(suite: Suite, count: int, workers: tuple[str, ...]) -> None:
    """Each test is told once, with its outcome; no process and no descriptor is left."""
    suite.write(
        "conftest.py",
        COLLECTOR.replace(
            "def pytest_runtest_logreport",
            "IS_WORKER = 'PYTEST_XDIST_WORKER' in os.environ\n\n    def pytest_runtest_logreport",
            1,
        ).replace('with open("told.jsonl"', 'if IS_WORKER:\n            return\n        with open("told.jsonl"', 1),
    )
    suite.write("count", str(count))
    suite.tests(WAYS.replace("{count}", str(count)))
    suite.declare(heavy_isolate_timeout="3")
    marker = f"{os.getpid()}-{count}-{len(workers)}"
    result = suite.run(
        "--heavy-isolate", "-q", "--tb=line", "--show-capture=no", *workers, is_new=True, ISOLATION_TEST=marker
    )
    told = [json.loads(line) for line in (suite.path / "told.jsonl").read_text().splitlines()]
    calls = [(nodeid, outcome) for nodeid, when, outcome, _ in told if when == "call"]
    wanted = outcomes(suite)
    wrong = {nodeid: outcome for nodeid, outcome in calls if wanted[nodeid] != outcome}
    assert wrong == {}
    assert sorted(nodeid for nodeid, _ in calls) == sorted(wanted)
    for phase in ("setup", "teardown"):
        assert len([line for line in told if line[1] == phase]) >= count
    assert "INTERNALERROR" not in result.stdout.str()
    assert are_gone(f"ISOLATION_TEST={marker}")
    if not workers:
        assert (suite.path / "left.txt").read_text() == (suite.path / "before.txt").read_text()
