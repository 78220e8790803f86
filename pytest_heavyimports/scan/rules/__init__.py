"""What a scan looks for: one rule, one file."""

from __future__ import annotations

from . import cuda_fork, eviction, fake, function_import, heavy_conftest, mixed_file, module_reload, second_copy
from .rule import Found, Rule

RULES: dict[str, Rule] = {
    module.RULE.name: module.RULE
    for module in (
        function_import,
        mixed_file,
        heavy_conftest,
        eviction,
        module_reload,
        fake,
        second_copy,
        cuda_fork,
    )
}
"""By name, which is what ``# heavyimports: ignore[…]`` takes."""

__all__ = ["RULES", "Found", "Rule"]
