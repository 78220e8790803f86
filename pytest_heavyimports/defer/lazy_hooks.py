"""
Keeps a test file lazy through collection: Python 3.15, ``lazy import torch``.

pytest looks at each name of a test file, a conftest file and a plugin, for fixtures; so each lazy import was done at
collection. Owns ``safe_getattr`` in ``_pytest.fixtures``, by which it looks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from _pytest import fixtures

from ..facts.distributions import is_installed, locate
from ..facts.lazy import LAZY, target_of

if TYPE_CHECKING:
    import pytest

LOOK = "safe_getattr"
_WORDS = re.compile(rb"fixture|TestCase")
"""What stands in a file that has something to offer to pytest."""


def keep_lazy(config: pytest.Config) -> None:
    """From now on pytest passes lazy names by that can't be of interest to it, until it ends."""
    # Private. Where pytest looks in another way, names are resolved, as without us.
    look: Any = getattr(fixtures, LOOK, None)
    patterns = [*config.getini("python_functions"), *config.getini("python_classes")]
    known: dict[str, bool] = {}

    def safe_getattr(holder: Any, name: str, default: Any) -> Any:
        found = vars(holder).get(name) if isinstance(holder, ModuleType) else None
        if isinstance(found, LAZY) and not _is_collected(name, patterns):
            target = target_of(found)
            if target not in known:
                known[target] = offers_nothing(target)
            if known[target]:
                return default
        return look(holder, name, default)

    if look is not None:
        setattr(fixtures, LOOK, safe_getattr)
        config.add_cleanup(partial(setattr, fixtures, LOOK, look))


def offers_nothing(target: str) -> bool:
    """
    Whether what a lazy import gives is neither a fixture nor a test, for all that can be seen without importing it.

    A module is neither. A name is neither where it is taken from an installed package, by a file that has no word of
    fixtures or test cases.
    """
    if "." not in target:
        return True
    package, source = _located(target.rpartition(".")[0]), _located(target)
    if package is None or (source is None and not is_installed(package)):
        return False
    return not any(_WORDS.search(_text(spec)) for spec in (package, source) if spec)


def _is_collected(name: str, patterns: Sequence[str]) -> bool:
    return any(name.startswith(each) or fnmatchcase(name, each) for each in patterns)


def _located(fullname: str) -> Any:
    try:
        return locate(fullname)
    except (ImportError, AttributeError, ValueError):
        return None


def _text(spec: Any) -> bytes:
    file = str(spec.origin)
    return Path(file).read_bytes() if file.endswith(".py") else b""
