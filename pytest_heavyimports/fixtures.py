"""The fixtures, and those made from declarations."""

from __future__ import annotations

# Imports in functions: every run loads this file; a test that asks for a fixture loads what that needs.
import functools
import types
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from .config.declarations import HeavyModule
    from .probe.probe import ImportProbe


@pytest.fixture(scope="session")
def heavy_module(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Import a heavy module once per session: heavy_module("torch"), heavy_module("src.app:create", minversion=...).

    An alias is accepted in place of a module; further names are looked up in it, several give a tuple. Skips the test
    where the module is not installed, with minversion= and reason= as in pytest.importorskip.
    """
    from .session import registry_of

    return registry_of(request.config).get


@pytest.fixture
def cuda_device(request: pytest.FixtureRequest, heavy_module: Callable[..., Any]) -> Any:
    """A torch.device of type cuda that meets the mark cuda; skips, with the reason, where there is none."""
    __tracebackhide__ = True
    from .cuda.hooks import number_for

    number = number_for(request.node)
    return heavy_module("torch").device("cuda", number)


@pytest.fixture(scope="session")
def import_probe(request: pytest.FixtureRequest) -> Iterator[Callable[..., ImportProbe]]:
    """Import a module in a clean interpreter, and tell what that brings in: import_probe("app.cli", timeout=60.0).

    Of the answer: .modules, .seconds, .peak_memory (bytes), .times (of each module), "torch" in it, and
    .chain("torch"), which is who imports it. Each module is imported once per session.
    """
    from .probe.hooks import opened_prober

    with opened_prober(request.config) as prober:
        yield prober


@pytest.fixture
def heavy_stub(request: pytest.FixtureRequest) -> Callable[[str], types.ModuleType]:
    """Put a stand-in in the place of a heavy module for this test alone: heavy_stub("torch") gives the stand-in."""
    from .stubs.hooks import one_test_hooks

    return functools.partial(one_test_hooks(request.config).put_in, item=request.node)


@pytest.fixture
def hide_modules(request: pytest.FixtureRequest) -> Iterator[Callable[..., AbstractContextManager[object]]]:
    """Play "not installed", until the test ends or for a block: hide_modules("numpy"), with hide_modules("numpy"): ...

    What is declared in heavy_modules is imported first, so that nothing goes without them for good.
    """
    from .hide.hiding import Hiding

    hiding = Hiding(request.node)
    yield hiding.hide
    hiding.close()


def alias_fixtures(declared: Iterable[HeavyModule]) -> types.ModuleType:
    """A plugin with a session fixture for each declaration."""
    plugin = types.ModuleType(f"{__package__}.aliases", "Fixtures made from heavy_modules.")
    for module in declared:
        setattr(plugin, f"fixture_{module.alias}", _alias_fixture(module))
    return plugin


def _alias_fixture(module: HeavyModule) -> Any:
    def provide(request: pytest.FixtureRequest) -> Any:
        __tracebackhide__ = True
        from .session import registry_of

        return registry_of(request.config).provide(module.alias)

    provide.__doc__ = f"Heavy module {module}."
    return pytest.fixture(scope="session", name=module.alias)(provide)
