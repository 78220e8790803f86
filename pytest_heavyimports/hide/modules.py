"""
Modules played "not installed", for a while.

Owns ``find_distributions`` of importlib.metadata's finder; ``sys.modules`` by ``imports/modules.py``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any

from ..facts.distributions import find_provider, installed_version, is_installed, locate
from ..facts.names import is_within
from ..imports.modules import attribute_of_parent, put, take_away

_MISSING = object()


def hide(fullname: str) -> ExitStack:
    """
    Let a module, and what is loaded of its parts, be missing until the returned handle is closed.

    An import of it raises ``ModuleNotFoundError``; ``importlib.util.find_spec`` and ``importlib.metadata`` know nothing
    of it. Who holds it already keeps it.
    """
    handle = ExitStack()
    if distribution := _distribution(fullname):
        for metadata in ("importlib.metadata", "importlib_metadata"):
            if finder := getattr(sys.modules.get(metadata), "MetadataPathFinder", None):
                _hide_distribution(handle, finder, distribution)
    namespace, child = attribute_of_parent(fullname)
    if child in namespace:
        handle.callback(namespace.__setitem__, child, namespace.pop(child))
    for name in [fullname, *(name for name in sys.modules.copy() if is_within(name, fullname) and name != fullname)]:
        before = sys.modules.get(name, _MISSING)
        handle.callback(take_away, [name]) if before is _MISSING else handle.callback(put, name, before)
        put(name, None)
    return handle


def _distribution(fullname: str) -> str:
    """The distribution that a package is installed by, as names are compared; empty for a part, and own code."""
    package = fullname.rpartition(".")[0]
    spec, parent = locate(fullname), locate(package) if package else None
    if spec is None or not is_installed(spec) or (parent is not None and parent.origin):
        return ""
    installed_version(fullname)  # which is remembered: nobody is to remember that there is none
    provider = find_provider(fullname)
    return _normalised(provider.metadata["Name"]) if provider else ""


def _hide_distribution(handle: ExitStack, finder: Any, distribution: str) -> None:
    original, find = vars(finder)["find_distributions"], finder.find_distributions

    def find_distributions(_: Any, *args: Any, **options: Any) -> Iterable[Any]:
        return [found for found in find(*args, **options) if _normalised(found.metadata["Name"]) != distribution]

    finder.find_distributions = classmethod(find_distributions)
    handle.callback(partial(setattr, finder, "find_distributions", original))


def _normalised(name: str | None) -> str:
    """
    A name of a distribution, as they are compared.

    Reference: "Names and normalization" of the Python Packaging User Guide.
    """
    return re.sub(r"[-_.]+", "-", name or "").lower()
