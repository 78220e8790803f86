"""Own modules that register something in a protected package, and are executed again while the package is not."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ..facts.names import is_within, root

if TYPE_CHECKING:
    from types import TracebackType

    from .policy import Protection


def registering_again(
    error: BaseException, given_back: Collection[str], protection: Protection
) -> tuple[str, str] | None:
    """
    The module that has failed while it was executed, and the package in which it may have registered before.

    Args:
        error: What has failed.
        given_back: Protected packages that were thrown out, and are there again.
        protection: What is protected.

    Returns:
        Their names; ``None`` unless the error comes from the module itself, or from the package, and the module imports
        the package.
    """
    module, package, traceback = "", "", error.__traceback__
    if isinstance(error, ModuleNotFoundError):
        return None
    while traceback:
        name, is_top, names = _frame(traceback)
        imported = next((each for each in given_back if any(is_within(used, each) for used in names)), "")
        if is_top and imported and not protection.covers(name):
            module, package = name, imported
        elif package and root(name) != root(package):
            module = package = ""
        traceback = traceback.tb_next
    return (module, package) if module else None


def _frame(traceback: TracebackType) -> tuple[str, bool, tuple[str, ...]]:
    """The module that a frame belongs to, whether it is that module's top, and the names that it uses."""
    code = traceback.tb_frame.f_code
    return str(traceback.tb_frame.f_globals.get("__name__", "")), code.co_name == "<module>", code.co_names
