"""Whether a declared module isn't there, or is too old; and whether that is why a file could not be imported."""

from __future__ import annotations

# Imports in functions: few declarations have a version, and few files can't be imported.
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from ..errors import HeavyModuleMissing
from ..facts.names import is_within

if TYPE_CHECKING:
    from ..config.declarations import HeavyModule


def is_absence(error: BaseException, fullname: str) -> bool:
    """Whether *fullname*, or a package that it lies in, isn't there; not whether something that it needs is missing."""
    return isinstance(error, ModuleNotFoundError) and bool(error.name) and is_within(fullname, str(error.name))


def missing(wanted: HeavyModule, error: BaseException) -> HeavyModuleMissing:
    """What to raise for a module that isn't there."""
    fault = f"could not import {wanted.fullname!r}: {error}"
    return HeavyModuleMissing(wanted.fullname, fault=fault, declared=str(wanted) if wanted.source else "")


def installed_version(fullname: str) -> str | None:
    """The version of the distribution that provides a module; ``None`` if none does."""
    from ..facts import distributions

    return distributions.installed_version(fullname)


def require(wanted: HeavyModule, version: str | None) -> None:
    """Raise HeavyModuleMissing unless *version*, ``None`` where it is unknown, satisfies the declaration."""
    from packaging.specifiers import SpecifierSet  # some milliseconds, where a version is declared

    if version is None:
        fault = f"the version of {wanted.fullname!r} is unknown"
    elif not SpecifierSet(wanted.specifiers).contains(version, prereleases=True):
        fault = f"{wanted.fullname!r} is version {version}"
    else:
        return
    fault = f"{fault}, and {wanted.specifiers!r} is needed"
    raise HeavyModuleMissing(wanted.fullname, fault=fault, declared=str(wanted) if wanted.source else "")


def lacked(error: BaseException | None, declared: Iterable[HeavyModule]) -> HeavyModuleMissing | None:
    """
    The declared module that is missing or too old, and so the reason of an error; ``None`` where it is another.

    Args:
        error: What a file raised. That from which an ``ImportError`` was raised counts as well.
        declared: All that is declared.
    """
    declared = list(declared)
    while isinstance(error, (ImportError, AttributeError)):
        for module in declared:
            if found := _absent(module, error) or _too_old(module, error):
                return found
        error = error.__cause__
    return None


def line_in(file: str, error: BaseException | None) -> int:
    """The line of a file that raised an error, or called what did."""
    place = error.__traceback__ if error else None
    while place and place.tb_frame.f_code.co_filename != file:
        place = place.tb_next
    return place.tb_lineno if place else 1


def _absent(module: HeavyModule, error: BaseException) -> HeavyModuleMissing | None:
    from ..facts.distributions import locate

    if not is_absence(error, module.fullname):
        return None
    name = str(error.name)  # type: ignore[attr-defined]  # an ImportError, by the line above
    if name != module.fullname and not any(is_within(asked, module.fullname) for asked in _asked_for(error)):
        return None  # its package isn't there, and something else in that was asked for
    # One that can be found was blocked: that is somebody's fault, and no installation's.
    return None if locate(name) else missing(module, error)


def _too_old(module: HeavyModule, error: BaseException) -> HeavyModuleMissing | None:
    """An installed one, which lacks what was asked of it."""
    owner = getattr(error, "obj", None)
    about = owner.__name__ if isinstance(owner, ModuleType) else error.name if isinstance(error, ImportError) else None
    if not module.specifiers or not about or not is_within(about, module.fullname):
        return None
    version = installed_version(module.fullname) or getattr(sys.modules.get(module.fullname), "__version__", None)
    if version is not None:
        try:
            require(module, version)
        except HeavyModuleMissing as found:
            return found
    return None


def _asked_for(error: BaseException) -> Iterator[str]:
    """The names of modules in the statement that raised an error: what it imports, and texts, as of import_module()."""
    import ast
    import linecache
    from importlib.util import resolve_name

    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    if place is None:
        return
    text = "".join(linecache.getlines(place.tb_frame.f_code.co_filename, place.tb_frame.f_globals))
    for node in ast.walk(ast.parse(text)):
        if not getattr(node, "lineno", sys.maxsize) <= place.tb_lineno <= getattr(node, "end_lineno", 0):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = str(place.tb_frame.f_globals.get("__package__") or "")
            source = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{source}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
