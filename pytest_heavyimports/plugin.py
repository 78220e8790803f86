"""What pytest loads."""

from . import unrewritten

with unrewritten:
    from .base_hooks import (
        pytest_addhooks,
        pytest_addoption,
        pytest_cmdline_main,
        pytest_collection_modifyitems,
        pytest_configure,
        pytest_load_initial_conftests,
        pytest_load_initial_conftests_soon,
    )
    from .fixtures import cuda_device, heavy_module, heavy_stub, hide_modules, import_probe

__all__ = [
    "cuda_device",
    "heavy_module",
    "heavy_stub",
    "hide_modules",
    "import_probe",
    "pytest_addhooks",
    "pytest_addoption",
    "pytest_cmdline_main",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_load_initial_conftests",
    "pytest_load_initial_conftests_soon",
]
