"""What has come of imports that were tried by a child."""

from __future__ import annotations

import os

import pytest

from pytest_heavyimports.warm.learning import Learnt
from pytest_heavyimports.warm.trial import Result, Trial
from pytest_heavyimports.warm.wire import Message, tell

MODULES = [Learnt(name, f"/{name}.py", False) for name in ("first", "second", "third")]


def result(*told: Message) -> Result:
    """Of a child that has told this, and has ended."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    for message in told:
        tell(writing, message)
    os.close(writing)
    trial = Trial(process, reading, MODULES)
    assert trial.has_ended()
    return trial.result()


def begun(name: str) -> Message:
    """It is about to import a module."""
    return Message("begun", name=name, fault="")


def test_no_harm() -> None:
    """All can be imported."""
    assert result(begun("first"), Message("done", name="", fault="")) == (MODULES, "", "", (), True)


@pytest.mark.parametrize(("kind", "is_certain"), [("harm", True), ("half", False)])
def test_harm(kind: str, is_certain: bool) -> None:
    """What came before did none; of what comes after it nothing is known."""
    told = result(begun("first"), begun("second"), Message(kind, name="second", fault="its import warns"))
    assert told == (MODULES[:1], "second", "its import warns", MODULES[2:], is_certain)


def test_a_crash() -> None:
    """It is of the import that has begun last."""
    told = result(begun("first"), begun("second"))
    assert told == (MODULES[:1], "second", "its import ended the warm process", MODULES[2:], True)


def test_harm_by_a_module_that_another_has_loaded() -> None:
    """Nothing is known of any other."""
    told = result(begun("first"), Message("harm", name="inner", fault="its import warns"))
    assert told == ([], "inner", "its import warns", MODULES, True)
