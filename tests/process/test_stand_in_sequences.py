"""
Random interleavings of real tests and tests with a stand-in: the real ones see what they see alone.

``HEAVYIMPORTS_EXAMPLES`` sets how many of them each test runs, ``HEAVYIMPORTS_SEED`` which ones.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from .stand_in_runs import REAL, REAL_AT_TOP, STUBBED, STUBBED_AT_TOP

SEED = int(os.environ.get("HEAVYIMPORTS_SEED", "0"))
EXAMPLES = int(os.environ.get("HEAVYIMPORTS_EXAMPLES", "0"))
STEPS = 14

Ask = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Has a suite run in a process that is forked from one that has imported pytest alone."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("stand_in_runs.py"))],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def answer(order: dict[str, Any]) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        found: dict[str, Any] = json.loads(process.stdout.readline())
        return found

    yield answer
    process.communicate()


class Suite(RuleBasedStateMachine):
    """A test file that grows; it is run when it is whole."""

    heavy: str
    ask: Ask
    alone: Callable[..., dict[str, str]]

    def __init__(self) -> None:
        super().__init__()
        self.order: dict[str, Any] = {"heavy": self.heavy, "tests": []}

    @initialize(guard=st.sampled_from(["off", "restore", "error"]), top=st.booleans())
    def begin(self, guard: str, top: bool) -> None:
        self.order |= {"guard": guard, "top": top}

    @rule(kind=st.sampled_from(sorted(REAL)))
    def real(self, kind: str) -> None:
        self.order["tests"].append(kind)

    @rule(kind=st.sampled_from(sorted(STUBBED)))
    def stubbed(self, kind: str) -> None:
        self.order["tests"].append(f"stubbed {kind}")

    @precondition(lambda self: self.order.get("top"))
    @rule(kind=st.sampled_from([*REAL_AT_TOP, *(f"stubbed {kind}" for kind in STUBBED_AT_TOP)]))
    def at_the_top(self, kind: str) -> None:
        self.order["tests"].append(kind)

    def teardown(self) -> None:
        if not self.order["tests"]:
            return
        answer = self.ask(self.order)
        failed = {name: outcome for name, outcome in answer["outcomes"].items() if outcome != "passed"}
        assert not failed, (self.order, failed)
        assert answer["status"] == 0, self.order
        alone = self.alone(self.order["guard"], self.order["top"])
        for name, seen in answer["seen"].items():
            assert seen == alone[name.split("_", 2)[2]], (self.order, name)


def _explore(heavy_: str, ask_: Ask, examples: int) -> None:
    @functools.cache
    def alone_(guard: str, top: bool) -> dict[str, str]:
        kinds = [*REAL, *(REAL_AT_TOP if top else ())]
        answer = ask_({"heavy": heavy_, "tests": kinds, "guard": guard, "top": top})
        assert set(answer["outcomes"].values()) == {"passed"}, answer
        return {name.split("_", 2)[2]: seen for name, seen in answer["seen"].items()}

    class Explored(Suite):
        heavy = heavy_
        ask = staticmethod(ask_)
        alone = staticmethod(alone_)

    run_state_machine_as_test(
        seed(SEED)(Explored),
        settings=settings(
            max_examples=EXAMPLES or examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_real_tests_see_what_they_see_alone(ask: Ask) -> None:
    """Whatever tests with a stand-in of numpy run before them."""
    _explore("numpy", ask, 10)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_real_tests_see_what_they_see_alone_in_many_orders(ask: Ask) -> None:
    """The same, two hundred times."""
    _explore("numpy", ask, 200)


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="not installed: torch")
def test_real_tests_see_what_they_see_alone_with_torch(ask: Ask) -> None:
    """The same with torch, which can't be initialised twice."""
    _explore("torch", ask, 6)
