"""Typical use, for mypy --strict: run by ``make types``, collected by nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports import (
    CudaMemoryLeaked,
    HeavyImportsError,
    HeavyImportWarning,
    HeavyModuleMissing,
    ImportProbe,
    InvalidDeclaration,
    ReloadRefused,
    StandInRefused,
)
from pytest_heavyimports.session import registry_of


def test_fixtures(heavy_module: Callable[..., Any], torch: ModuleType, cuda_device: Any) -> None:
    """A test that asks for a module by call and by alias."""
    update_status = heavy_module("src.worker.pipeline", "_update_status")
    numpy: ModuleType = heavy_module("numpy", minversion="1.26", reason="needs numpy")
    assert update_status(numpy, torch.zeros(3, device=cuda_device))


def test_light(import_probe: Callable[..., ImportProbe]) -> None:
    """A test that asks what an import brings in."""
    probe = import_probe("app.cli", timeout=30)
    chain: tuple[str, ...] = probe.chain("json")
    assert "torch" not in probe and probe.seconds < 1 and probe.times[chain[-1]].self_s < 0.1
    assert probe.peak_memory is None or probe.peak_memory < 200 * 2**20


@pytest.mark.heavy_stub("numpy")
def test_stand_ins(heavy_stub: Callable[[str], ModuleType]) -> None:
    """A test with stand-ins."""
    torch = heavy_stub("torch")
    torch.load.return_value = 5
    with pytest.raises(StandInRefused) as caught:
        bool(torch.cuda.is_available())
    setting: str = caught.value.setting
    assert setting


@pytest.mark.cuda(devices=1, memory="4GiB", capability=(8, 0))
def test_devices(cuda_device: Any) -> None:
    """A test that needs a device, and an error about what one leaves."""
    leaked = CudaMemoryLeaked("test_a.py::test_it", device="cuda:0", size="4 MiB", tensors="", unheld="")
    nodeid: str = leaked.nodeid
    assert nodeid and cuda_device


@pytest.mark.heavy_guard("off")
def test_errors() -> None:
    """Code that handles the errors, and reads their fields."""
    with pytest.raises(ReloadRefused) as caught:
        raise ReloadRefused("torch", first="test_a.py", again="test_b.py", why="C state")
    first: str = caught.value.first
    fullname: str = caught.value.fullname
    slug: str = caught.value.slug
    error: RuntimeError = caught.value
    assert first and fullname and slug and str(error)
    with pytest.warns(HeavyImportWarning):
        pass
    with pytest.raises(HeavyImportsError):
        raise InvalidDeclaration("torch >> 2", fault="", remedy="")


def pytest_heavy_modules(config: pytest.Config) -> Iterable[str]:
    """A conftest that declares modules."""
    return ["torch >= 2.4"] if config.rootpath.name else []


def pytest_collection_finish(session: pytest.Session) -> None:
    """A plugin that asks the session's registry."""
    registry = registry_of(session.config)
    try:
        registry.get("torch", "nn.Linear", minversion="2.4")
    except HeavyModuleMissing as missing:
        declared: str = missing.declared
        print(declared)
    for module in registry.declared.values():
        names: tuple[str, str, str] = (module.alias, module.fullname, module.specifiers)
        print(names)
    for event in registry.ledger.imports():
        seconds: float | None = event.duration_s
        print(event.fullname, event.place, seconds)
