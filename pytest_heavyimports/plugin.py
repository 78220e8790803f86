"""pytest's hooks in every run, and the fixtures: what pytest loads. More hooks are registered where they are needed."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from . import unrewritten

with unrewritten:
    from . import features, hookspecs
    from .config import options
    from .fixtures import cuda_device, heavy_module, heavy_stub, hide_modules, import_probe

__all__ = ["cuda_device", "heavy_module", "heavy_stub", "hide_modules", "import_probe"]


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs.HookSpecs())  # type: ignore[arg-type]  # a namespace, whatever its type


# First and outermost: conftest files import heavy modules, and other plugins load code before them.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    features.attach_early(early_config)
    return (yield)


# After what other plugins do first, such as to set variables of the environment, and before conftest files.
@pytest.hookimpl(specname="pytest_load_initial_conftests")
def pytest_load_initial_conftests_soon(early_config: pytest.Config) -> None:
    features.attach_soon(early_config)


# Before those of pytest that run the tests, or list something and stop.
@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if not config.option.heavy_list:
        return None
    features.list_declared(config)
    return pytest.ExitCode.OK


def pytest_configure(config: pytest.Config) -> None:
    options.add_markers(config)
    if not config.option.help:  # a fault in the configuration must not keep anybody from reading the help
        features.configure(config)


# Before -m is applied, and before pytest-xdist makes groups of marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    features.attach_to_tests(config, items)
