"""The environment and the umask: what is set is put back."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable
from typing import Any

import pytest

from pytest_heavyimports.process.environment import child_environment, current_umask, set_variables


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that were there have their values again, others are gone; one without a value is deleted meanwhile."""
    monkeypatch.setenv("BEFORE", "1")
    monkeypatch.setenv("DELETED", "2")
    put_back = set_variables({"BEFORE": "2", "NEW": "3", "DELETED": None})
    assert (os.environ["BEFORE"], os.environ["NEW"]) == ("2", "3")
    assert "DELETED" not in os.environ
    put_back()
    assert (os.environ["BEFORE"], os.environ["DELETED"]) == ("1", "2")
    assert "NEW" not in os.environ


def test_a_child_is_told_nothing_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither which worker this is, nor that coverage is measured."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setenv("COVERAGE_PROCESS_START", "x")
    monkeypatch.setenv("MINE", "1")
    assert child_environment().keys() & {"PYTEST_XDIST_WORKER", "COVERAGE_PROCESS_START", "MINE"} == {"MINE"}


@pytest.fixture
def umask() -> Any:
    """One that no other test has."""
    before = os.umask(0o27)
    yield 0o27
    os.umask(before)


def test_the_umask(umask: int) -> None:
    """As it is set."""
    assert current_umask() == umask


def test_the_umask_where_it_can_not_be_read(umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is set, and put back."""
    opened: Callable[..., Any] = builtins.open

    def refuse(file: Any, *args: Any, **kwargs: Any) -> Any:
        if file == "/proc/self/status":
            raise FileNotFoundError(file)
        return opened(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", refuse)
    assert current_umask() == umask
    assert os.umask(umask) == umask
