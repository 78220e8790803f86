"""Installed distributions: which one provides a module, its version, and whether a module is installed at all."""

from __future__ import annotations

import os
import site
import sys
from contextlib import suppress
from functools import cache, lru_cache
from importlib.machinery import ModuleSpec, all_suffixes
from typing import TYPE_CHECKING

from .names import lineage, root

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from _typeshed.importlib import PathEntryFinderProtocol as PathEntryFinder


@cache
def installed_version(fullname: str) -> str | None:
    """The version of the distribution that provides *fullname*, such as ``"2.13.0+cpu"``; ``None`` if none does."""
    provider = find_provider(fullname)
    return provider.version if provider else None


def version_where_installed(fullname: str) -> str:
    """As :func:`installed_version`; empty, at no cost, for the code under test, which no list of files has."""
    spec = locate(fullname)
    return (installed_version(fullname) or "") if spec and is_installed(spec) else ""


def find_provider(fullname: str) -> Distribution | None:
    """The distribution that provides a module: ``opencv-python`` for ``cv2``, ``protobuf`` for ``google.protobuf``."""
    namesake = _distribution(root(fullname))
    if namesake and _lists(namesake, root(fullname)):
        return namesake
    candidates = [found for name in _providers().get(root(fullname), ()) if (found := _distribution(name))]
    for name in lineage(fullname):
        for candidate in candidates:
            if _lists(candidate, name):
                return candidate
    # An editable install lists no file of the package.
    return candidates[0] if candidates else namesake


def _distribution(name: str) -> Distribution | None:
    from importlib import metadata  # pytest has it already

    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


@lru_cache(maxsize=1)
def _providers() -> dict[str, list[str]]:
    """
    The names of the distributions that provide each package.

    Before Python 3.12 the standard library knows only distributions with a ``top_level.txt``, which the wheels of
    numpy, pandas and others no longer have; the backport knows all. It is imported where a name is not that of its
    distribution: it takes ten milliseconds and adds a finder to ``sys.meta_path`` for good, and the file list of every
    distribution is read, some tenths of a second.

    Reference: ``packages_distributions`` in the documentation of importlib_metadata.
    """
    import importlib_metadata  # see above

    providers = importlib_metadata.packages_distributions()
    return {package: list(dict.fromkeys(names)) for package, names in providers.items()}


def _lists(distribution: Distribution, fullname: str) -> bool:
    """Whether the distribution's file list has the module. The text is searched: torch's has 12,000 lines."""
    if fullname in (distribution.read_text("top_level.txt") or "").split():
        return True
    path = fullname.replace(".", "/")
    record = "\n" + (distribution.read_text("RECORD") or distribution.read_text("SOURCES.txt") or "")
    return f"\n{path}/" in record or f"\n{path}." in record


def locate(fullname: str) -> ModuleSpec | None:
    """The spec of a module, found with no import of its parents; ``None`` if it isn't there."""
    top, *parts = fullname.split(".")
    spec = _find_root(top)
    name = top
    for part in parts:
        if spec is None or spec.submodule_search_locations is None:
            return None  # not there, or a module, no package
        name = f"{name}.{part}"
        spec = _find_in(list(spec.submodule_search_locations), name)
    return spec


def _find_root(name: str) -> ModuleSpec | None:
    # All finders: an editable install may have one of its own. Not those that would notice being asked.
    for finder in sys.meta_path:
        if hasattr(finder, "find_spec") and not is_ours(finder):
            spec = finder.find_spec(name, None)
            if spec is not None:
                return spec
    return None


def is_ours(finder: object) -> bool:
    """Whether a finder is of this package."""
    return type(finder).__module__.startswith("pytest_heavyimports.")


def _find_in(path: list[str], fullname: str) -> ModuleSpec | None:
    """As the path finder does, which asks for the parent in ``sys.modules`` where that is a namespace package."""
    portions: list[str] = []
    for entry in path:
        finder = _finder_of(entry)
        spec = finder.find_spec(fullname) if finder is not None else None
        if spec is not None and spec.loader is not None:
            return spec
        if spec is not None:
            portions += spec.submodule_search_locations or []
    if not portions:
        return None
    namespace = ModuleSpec(fullname, None, is_package=True)
    namespace.submodule_search_locations = portions
    return namespace


def has_modules(spec: ModuleSpec) -> bool:
    """Whether there is anything to import in a namespace package: a folder of stubs (``.pyi``) looks like one, too."""
    suffixes = tuple(all_suffixes())
    return any(
        file.endswith(suffixes)
        for place in spec.submodule_search_locations or ()
        for _, _, files in os.walk(place)
        for file in files
    )


def _finder_of(entry: str) -> PathEntryFinder | None:
    # As pkgutil.get_importer, which nobody may have imported yet: what is imported here under somebody's
    # patch.dict(sys.modules) is thrown out at its end, and executed again later.
    if entry in sys.path_importer_cache:
        return sys.path_importer_cache[entry]
    for hook in sys.path_hooks:
        with suppress(ImportError):
            return hook(entry)
    return None


def is_installed(spec: ModuleSpec) -> bool:
    """Whether a module lies in a directory that distributions are installed into, not in the code under test."""
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return any(map(is_installed_place, places))


def is_installed_place(place: str) -> bool:
    """Whether a file or directory lies in one that distributions are installed into."""
    return place.startswith(tuple(_install_directories()))


@lru_cache(maxsize=1)
def _install_directories() -> frozenset[str]:
    # Not sysconfig's paths: they are the same, and to read its variables takes three milliseconds.
    return frozenset(directory + os.sep for directory in (*site.getsitepackages(), site.getusersitepackages()))
