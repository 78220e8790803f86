"""Own modules that fail since they register themselves a second time in a protected package."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports.guard.policy import Protection
from pytest_heavyimports.guard.registering import registering_again

PROTECTION = Protection({"registry": "registry"})


def _refuse() -> None:
    raise TypeError("registered already")


@pytest.fixture
def registry() -> dict[str, Any]:
    """The namespace of a package that refuses what it has."""
    namespace: dict[str, Any] = {"__name__": "registry"}
    exec("def register(kind=TypeError):\n    raise kind('again')\n", namespace)
    return namespace


def _error(text: str, name: str, **names: object) -> BaseException:
    namespace = {**vars(ModuleType(name)), **names}
    try:
        exec(compile(text, f"{name}.py", "exec"), namespace)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def _found(error: BaseException) -> tuple[str, str] | None:
    return registering_again(error, {"registry"}, PROTECTION)


def test_what_the_package_refuses_a_module(registry: dict[str, Any]) -> None:
    """It imports the package, was executed, and nothing else is on the way."""
    error = _error("if False: import registry\nregister()\n", "app.order", register=registry["register"])
    assert _found(error) == ("app.order", "registry")
    assert registering_again(error, set(), PROTECTION) is None, "the package was not given back"


def test_an_extension_has_no_frame(registry: dict[str, Any]) -> None:
    """So what the module itself raises at its top may come from the package."""
    del registry
    assert _found(_error("if False: import registry\nint('x')\n", "app.order")) == ("app.order", "registry")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("refuse()\n", "app.order"),
        ("if False: import registry\nrefuse()\n", "app.order"),
        ("if False: import registry\nregister(ModuleNotFoundError)\n", "app.order"),
        ("def f():\n    import registry_not\n    register()\nf()\n", "app.order"),
        ("if False: import registry\nregister()\n", "registry.part"),
    ],
    ids=["another package", "refused by others", "something is missing", "in a function", "protected itself"],
)
def test_other_errors_are_left_alone(registry: dict[str, Any], text: str, name: str) -> None:
    """They have other causes."""
    assert _found(_error(text, name, register=registry["register"], refuse=_refuse)) is None
