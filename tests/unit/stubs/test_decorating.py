"""Whether a call is that of a decorator."""

from __future__ import annotations

import sys
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from pytest_heavyimports.stubs.decorating import decorated, is_decorating, is_function, is_transforming


def function() -> None:
    """One."""


@pytest.mark.parametrize(
    ("shown", "answer"),
    [("jax.vmap", True), ("jax.vmap(...)", True), ("triton.jit", True), ("torch.jit", False), ("torch.no_grad", False)],
)
def test_what_makes_another_function_of_one(shown: str, *, answer: bool) -> None:
    """By its name, and whether it is called before it decorates or not."""
    assert is_transforming(shown) is answer


def test_what_decorators_add() -> None:
    """Attributes that others are put on."""
    given = SimpleNamespace(**dict.fromkeys(("defjvp", "defjvps"), 3))

    def own() -> None: ...

    assert decorated(own, given, "jax.custom_jvp") is own
    assert vars(own) == {"defjvp": 3, "defjvps": 3}
    assert vars(decorated(lambda: None, given, "torch.no_grad()")) == {}


@pytest.mark.parametrize(
    ("args", "kwargs", "answer"),
    [
        ((function,), {}, True),
        ((int,), {}, True),
        (([].append,), {}, False),
        ((1,), {}, False),
        ((function, 1), {}, False),
        ((function,), {"a": 1}, False),
    ],
)
def test_a_function_is_all_that_is_given(args: tuple[Any, ...], kwargs: dict[str, Any], *, answer: bool) -> None:
    """Or a class."""
    assert is_function(args, kwargs) is answer


calls: list[bool] = []


def decorator(argument: Any) -> Any:
    """Remembers whether it was called as one."""
    calls.append(is_decorating((argument,), {}, sys._getframe(1)))
    return argument


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


def test_on_the_line_of_a_decorator() -> None:
    """And on no other, though a function is given there."""

    @decorator
    def one() -> None: ...

    @(
        decorator  # over several lines
    )
    class Two: ...

    decorator(one)
    decorator(Two)
    assert calls == [True, True, False, False]


def test_where_there_is_no_source() -> None:
    """A function is enough."""
    exec("decorator(len)\ndecorator(test)\n", {"decorator": decorator, "test": function})
    assert calls == [False, True]


def test_what_is_in_a_class() -> None:
    """A classmethod can't be called, and is decorated all the same."""

    class One:
        @decorator
        @classmethod
        def made(cls) -> None: ...

        @decorator
        @staticmethod
        def kept() -> None: ...

    assert calls == [True, True]


def other_calls(argument: Any) -> Any:
    """Remembers the answers for other arguments, on the line of a decorator."""
    frame: FrameType = sys._getframe(1)
    given: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((argument,), {}),
        ((1,), {}),
        ((argument, argument), {}),
        ((argument,), {"a": 1}),
    ]
    calls.extend(is_decorating(args, kwargs, frame) for args, kwargs in given)
    return argument


def test_what_no_decorator_is_called_with() -> None:
    """A number, two arguments, or a keyword argument."""

    @other_calls
    def one() -> None: ...

    assert calls == [True, False, False, False]
