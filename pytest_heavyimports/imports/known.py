"""Packages that can't be initialised twice in a process, with the reason of each, as told to the user."""

from __future__ import annotations

import sys

from ..facts.names import is_within, lineage
from .modules import is_extension

# By the innermost name that applies. Each was seen to fail, or is reported, when initialised a second time.
KNOWN = {
    "torch": 'its C++ operator registry lives as long as the process (TORCH_LIBRARY "triton")',
    "torch.overrides": "it adds docstrings to C functions, once per process (function '_has_torch_function')",
    "torchvision": "its operators live in torch's C++ registry as long as the process",
    "torchaudio": "its operators live in torch's C++ registry as long as the process",
    "functorch": "it is a part of torch, whose C++ registries live as long as the process",
    "triton": "its C++ state lives as long as the process, and torch holds on to its classes",
    "numpy": "its C core can't be loaded twice, and a second copy has other classes (numpy._NoValue)",
    "jax": "its pytree node types are registered once per process",
    "jaxlib": "its C++ types are registered once per process",
    "tensorflow": "a second PyExceptionRegistry::Init() ends the process",
    "pandas": "a second copy refuses the objects of the first, and types are registered with pyarrow once per process",
    "pyarrow": "its C++ type registry lives as long as the process",
}


def why_not_twice(fullname: str, declared: str) -> str:
    """
    Why a protected module can't be initialised a second time, in a sentence without a full stop.

    Args:
        fullname: The module.
        declared: The declaration that protects it, as the user wrote it; empty where there is none.
    """
    for name in lineage(fullname):
        if name in KNOWN:
            return KNOWN[name]
    for package in lineage(fullname):
        # A list of the items may be interrupted, up to Python 3.11 by the collector, and another thread import.
        for name, module in sys.modules.copy().items():
            if is_within(name, package) and is_extension(module):
                return f"it has extension modules ({name}), whose C state lives as long as the process"
    return f"it is declared as {declared}, which the session imports once: a second copy has other classes"
