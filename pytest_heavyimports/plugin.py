"""What pytest loads."""

from .loading import unrewritten

with unrewritten():
    from .base_hooks import (
        pytest_addhooks,
        pytest_addoption,
        pytest_cmdline_main,
        pytest_collection_modifyitems,
        pytest_configure,
        pytest_load_initial_conftests,
    )

__all__ = [
    "pytest_addhooks",
    "pytest_addoption",
    "pytest_cmdline_main",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_load_initial_conftests",
]
