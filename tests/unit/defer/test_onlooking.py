"""Who asks a module something, and whether that is a use of it: frames of functions that do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

import pytest

from pytest_heavyimports.defer.onlooking import is_onlooker

MODULE = ModuleType("heavy")
HEADER = "from collections import deque\nimport sys\n"


class Asked:
    """Notes, for each question, whether the one who asks is an onlooker."""

    def __init__(self) -> None:
        self.answers: list[bool] = []

    def __getattr__(self, name: str) -> Any:
        asker: FrameType = sys._getframe(1)
        self.answers.append(is_onlooker(asker, "heavy"))
        raise AttributeError(name)


@pytest.fixture
def ask() -> Callable[..., bool]:
    """Executes code that asks ``it`` once, in a module of that name."""

    def ask(code: str, name: str = "app", **names: object) -> bool:
        asked = Asked()
        exec(HEADER + code, {"__name__": name, "it": asked, **names})
        (answer,) = asked.answers
        return answer

    return ask


@pytest.mark.parametrize(
    "iterated",
    [
        "sys.modules",
        "sys.modules.items()",
        "reversed(sys.modules)",
        "enumerate(sys.modules.values())",
        "(name for name in sys.modules)",
        "filter(None, sys.modules.values())",
    ],
)
def test_while_something_iterates_over_modules(ask: Callable[..., bool], iterated: str) -> None:
    """An import would break the loop."""
    assert ask(f"for each in {iterated}:\n    hasattr(it, 'x')\n    break\n")


@pytest.mark.parametrize(
    "iterated",
    [
        "[1]",
        "vars(sys)",
        "dict.fromkeys(['sys', 'builtins', 'os'])",
        "list(sys.modules.values())",
        "dict(sys.modules)",
        "sorted(sys.modules)",
    ],
)
def test_while_something_iterates_over_something_else(ask: Callable[..., bool], iterated: str) -> None:
    """A table that looks like it, or a copy, which an import doesn't break: code of the suite may need the module."""
    assert not ask(f"for each in {iterated}:\n    hasattr(it, 'x')\n    break\n")


def test_a_loop_that_is_over(ask: Callable[..., bool]) -> None:
    """It has no hold on what it has iterated over any more."""
    assert not ask("for each in sys.modules: pass\nhasattr(it, 'x')\n")


@pytest.mark.parametrize("tool", ["freezegun.api", "IPython.core.completer", "pdb", "unittest.case", "typeguard"])
def test_tools(ask: Callable[..., bool], tool: str) -> None:
    """They are known by name; what begins like one is another."""
    assert ask("hasattr(it, 'x')", name=tool)
    assert not ask("hasattr(it, 'x')", name=f"{tool.partition('.')[0]}_of_mine")


LOOP = "for each in sys.modules:\n    {}\n    break\n"


@pytest.mark.parametrize(
    ("code", "is_use"),
    [
        ("import heavy as it\n" + LOOP.format("hasattr(it, 'x')"), True),
        ("def f():\n    import heavy\n    " + LOOP.format("ask(heavy)").replace("\n", "\n    ") + "\nf()\n", True),
        ("def f(it):\n    hasattr(it, 'x')\n" + LOOP.format("f(it)"), False),
        ("import json\ndef f():\n    return json, hasattr(it, 'x')\n" + LOOP.format("f()"), False),
    ],
)
def test_who_names_the_module(monkeypatch: pytest.MonkeyPatch, code: str, is_use: bool) -> None:
    """By what an import has bound, in a loop too; a parameter, or another module in the same function, is no name."""
    asked = Asked()
    monkeypatch.setitem(sys.modules, "heavy", asked)  # type: ignore[arg-type]
    namespace = {"__name__": "app", "it": asked, "ask": None}
    exec(HEADER + code.replace("ask(heavy)", "hasattr(heavy, 'x')"), namespace)
    assert asked.answers[-1] is not is_use  # the import asks too


def test_a_global_that_is_the_module(ask: Callable[..., bool]) -> None:
    """Whoever has bound it; asked by its part."""
    code = "def f():\n    heavy\n    return hasattr(it, 'x')\n"
    assert ask(code + LOOP.format("f()"), heavy=MODULE)
    nested = "def f():\n    hasattr((heavy, it)[1], 'x')\n"
    assert not ask(nested + LOOP.format("f()"), heavy=MODULE)
