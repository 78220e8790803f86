"""
Random sequences of what suites do to ``sys.modules``, under the guard; ``sequence.py`` has the laws.

``HEAVYIMPORTS_EXAMPLES`` sets how many sequences each test runs, ``HEAVYIMPORTS_SEED`` which ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

if TYPE_CHECKING:
    from ..support.installed import Installed

SEED = int(os.environ.get("HEAVYIMPORTS_SEED", "0"))
STEPS = 24

TARGETS = {
    "tree": "tree tree.a tree.b tree.late tree.late.first tree.sub tree.sub.deep tree.optional tree.swapped tree._core "
    "tree.mocked beside",
    "numpy": "numpy numpy.linalg numpy.fft numpy.ma numpy.polynomial numpy.polynomial.chebyshev numpy.random",
}
FEW = {"tree, ordered": 80, "tree, racing": 25, "numpy, ordered": 8, "numpy, racing": 3}
MANY = {"tree, ordered": 3000, "tree, racing": 1200, "numpy, ordered": 600, "numpy, racing": 200}
FILES = ("test_a.py", "sub", "sub/test_b.py")
NEVER_FAILS = "test_c.py"
"""A file whose collection has done nothing."""


class Sequences:
    """The interpreter that forks a process for each sequence."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, line: object) -> dict[str, Any]:
        """Send a line, and wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture
def sequences(tree: Installed, tmp_path: Path) -> Iterator[Sequences]:
    """An interpreter that sees the tree, and has imported nothing but the guard."""
    path = os.pathsep.join(filter(None, [str(tree.site), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(Path(__file__).with_name("sequence.py"))],
        cwd=tmp_path,
        env={**os.environ, **tree.environment, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Sequences(process)
    process.communicate()


class Session(RuleBasedStateMachine):
    """What a run of pytest can do, in an order in which it can be done."""

    names: list[str]
    mode: str
    are_threads_racing: bool
    sequences: Sequences

    def __init__(self) -> None:
        super().__init__()
        self.phase = "start"
        self.is_running = False
        self.is_broken = False
        self.done: list[str] = []
        self.collected: dict[str, int] = {}
        self.file = ""
        self.fixtures: list[str] = []
        self.setting_up = 0
        self.tests = 0

    def do(self, operation: str, *arguments: object) -> int:
        """Have it done; gives the number of leaks that were told."""
        self.done.append(f"{operation}({', '.join(map(repr, arguments))})")
        answer = self.sequences.ask([operation, arguments])
        self.is_running = not (answer.get("died") or operation in ("finish", "leave"))
        if answer["broken"]:
            self.is_broken = True
            # Told here too: hypothesis can't repeat and shrink what depends on how threads run.
            raise AssertionError("\n".join([*answer["broken"], "after:", *self.done]))
        leaks: int = answer["leaks"]
        return leaks

    def teardown(self) -> None:
        if self.is_running and self.is_broken:
            self.sequences.ask(["leave", []])
        elif self.is_running:
            self.do("finish")

    @initialize(
        warnings=st.sampled_from(["ignore", "error"]),
        beginning=st.sampled_from(["start", "collect", "test"]),
        data=st.data(),
    )
    def begin(self, warnings: str, beginning: str, data: st.DataObject) -> None:
        """Most of what can happen happens later than at the start."""
        self.sequences.ask({"names": self.names, "mode": self.mode, "warnings": warnings})
        self.is_running = True
        for name in data.draw(st.lists(st.sampled_from(self.names), max_size=2), "imported"):
            self.do("import_module", name)
        if beginning != "start":
            self.begin_collection()
            self.collect()
        if beginning == "test":
            self.collected_it()
            self.begin_test(FILES[0])

    # pytest

    @precondition(lambda self: self.phase == "start")
    @rule()
    def begin_collection(self) -> None:
        self.do("begin_collection")
        self.phase = "between"

    @precondition(lambda self: self.phase == "between" and not self.tests and len(self.collected) < len(FILES))
    @rule()
    def collect(self) -> None:
        self.file = FILES[len(self.collected)]
        self.do("collect", self.file)
        self.phase = "collect"

    @precondition(lambda self: self.phase == "collect")
    @rule()
    def collected_it(self) -> None:
        self.collected[self.file] = self.do("collected")
        self.phase = "between"

    @precondition(lambda self: self.phase == "between")
    @rule(file=st.sampled_from(FILES[::2]))
    def begin_test(self, file: str) -> None:
        if self.fixtures and self.fixtures != ["session"]:
            file = self.file
        if self.mode == "error" and any(
            leaks and (file == where or file.startswith(f"{where}/")) for where, leaks in self.collected.items()
        ):
            # Its collection has failed. Whether it does, threads may decide: what can be done next must not hang on it.
            file = NEVER_FAILS
        self.file = file
        self.tests += 1
        self.do("test", f"{file}::TestIt::test_{self.tests}")
        self.phase = "test"

    @precondition(lambda self: self.phase == "test" and len(self.fixtures) < 4)
    @rule(scope=st.sampled_from(["function", "class", "module", "session"]))
    def begin_set_up(self, scope: str) -> None:
        order = ["session", "module", "class", "function"]
        if self.fixtures and order.index(self.fixtures[-1]) > order.index(scope):
            scope = self.fixtures[-1]
        self.fixtures.append(scope)
        self.do("set_up", scope)
        self.setting_up += 1

    @precondition(lambda self: self.setting_up)
    @rule()
    def end_set_up(self) -> None:
        self.do("set_up_done")
        self.setting_up -= 1

    @precondition(lambda self: self.phase == "test" and not self.setting_up)
    @rule()
    def tear_down(self) -> None:
        self.do("tear_down")
        self.phase = "teardown"

    @precondition(lambda self: self.phase == "teardown" and "function" in self.fixtures)
    @rule()
    def finalize(self) -> None:
        self.fixtures.pop()
        self.do("finalize")

    @precondition(lambda self: self.phase == "teardown")
    @rule(is_last=st.booleans())
    def end_test(self, is_last: bool) -> None:
        self.do("end_test", is_last)
        self.fixtures = [] if is_last else [scope for scope in self.fixtures if scope != "function"]
        self.phase = "between"


def session_of(target: str, mode_: str, threads: str, sequences_: Sequences) -> type[Session]:
    """The machine with what is done to the modules of a target."""
    modules = st.sampled_from(TARGETS[target].split())
    parts = st.sampled_from(TARGETS[target].split()[1:])
    several = st.lists(modules, min_size=1, max_size=2)
    which = st.one_of(st.sampled_from(["tree", "all"]), modules)
    how = st.sampled_from(["del", "pop", "refill"])
    kinds = st.sampled_from(["MagicMock", "ModuleType", "package", "None"])

    class Displacing(Session):
        names = TARGETS[target].split()
        mode = mode_
        are_threads_racing = threads == "racing"
        sequences = sequences_

        @rule(name=modules)
        def import_module(self, name: str) -> None:
            self.do("import_module", name)

        @rule(name=parts)
        def from_import(self, name: str) -> None:
            self.do("from_import", name)

        @precondition(lambda self: self.phase != "between")
        @rule(which=which, how=st.one_of(how, st.just("strip")))
        def evict(self, which: str, how: str) -> None:
            self.do("evict", which, how)

        @precondition(lambda self: self.phase != "between")
        @rule(name=modules, kind=kinds)
        def fake(self, name: str, kind: str) -> None:
            self.do("fake", name, kind)

        @precondition(lambda self: self.phase != "between")
        @rule()
        def undo(self) -> None:
            self.do("undo")

        @precondition(lambda self: self.phase != "between")
        @rule(names=several, fake=st.one_of(st.just(""), modules), kind=kinds)
        def rollback(self, names: list[str], fake: str, kind: str) -> None:
            self.do("rollback", names, fake, kind)

        @rule(name=modules, is_early=st.booleans())
        def reload(self, name: str, is_early: bool) -> None:
            self.do("reload", name, is_early)

        @precondition(lambda self: self.are_threads_racing and self.phase != "between")
        @rule(
            names=st.lists(modules, min_size=2, max_size=4),
            evict=st.one_of(st.just(""), which),
            how=st.sampled_from(["del", "pop"]),  # who refills puts back what importlib is about to load
        )
        def race(self, names: list[str], evict: str, how: str) -> None:
            self.do("race", names, evict, how)

        @precondition(lambda self: self.phase != "between")
        @rule(name=modules, at=modules, evict=which, how=how)
        def purge_at(self, name: str, at: str, evict: str, how: str) -> None:
            self.do("purge_at", name, at, evict, how)

        @rule(mode=st.sampled_from(["restore", "error"]), name=modules)
        def nested(self, mode: str, name: str) -> None:
            self.do("nested", mode, name)

    return Displacing


@pytest.fixture(params=["restore", "error"])
def mode(request: pytest.FixtureRequest) -> str:
    """The mode of the guard."""
    return str(request.param)


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    """The package in question."""
    return str(request.param)


@pytest.fixture(params=["ordered", "racing"])
def threads(request: pytest.FixtureRequest) -> str:
    """Whether several threads may import at the same time, which no two runs do in the same order."""
    return str(request.param)


def _run(target: str, mode: str, threads: str, sequences: Sequences, numbers: dict[str, int]) -> None:
    number = int(os.environ.get("HEAVYIMPORTS_EXAMPLES", numbers[f"{target}, {threads}"]))
    run_state_machine_as_test(
        seed(SEED)(session_of(target, mode, threads, sequences)),
        settings=settings(
            max_examples=number,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate, *([Phase.shrink] if threads == "ordered" else [])],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_some_sequences(target: str, mode: str, threads: str, sequences: Sequences) -> None:
    """Whatever a suite does, no module is executed twice or lost, and only the culprit is told."""
    _run(target, mode, threads, sequences, FEW)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_sequences(target: str, mode: str, threads: str, sequences: Sequences) -> None:
    """The same, ten thousand in all."""
    _run(target, mode, threads, sequences, MANY)
