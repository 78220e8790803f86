"""What real modules have: the public names of a package that is imported, to be remembered as JSON."""

from __future__ import annotations

import builtins
import difflib
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from ..names import is_within
from .keeper import is_real


class RealNames:
    """The public names of a package and of those of its submodules that were imported, each with its kind."""

    def __init__(self, version: str, modules: dict[str, dict[str, str]]) -> None:
        """*modules* has each module's names of each kind, with blanks between them; ``"open"`` where it has more."""
        self.version = version
        self._modules = modules
        self._kinds: dict[str, dict[str, str]] = {}

    def kind(self, module: str, name: str) -> str:
        """``module``, ``class``, ``function``, ``value``, the name of a builtin exception, or an empty string."""
        return self._kinds_of(module).get(name, "")

    def names(self, module: str) -> Sequence[str]:
        """The names that the module is known to have."""
        return list(self._kinds_of(module))

    def lacks(self, module: str, name: str) -> bool:
        """
        Whether the module is known, and known not to have a public name.

        A module with a ``__getattr__`` of its own may have more than it shows: there, a name that resembles another one
        is taken for a mistake, and any other is not.
        """
        kinds = self._kinds_of(module)
        if not kinds or name in kinds or name[:1] == "_":
            return False
        return "open" not in self._modules[module] or bool(difflib.get_close_matches(name, kinds, n=1, cutoff=0.75))

    def as_json(self) -> dict[str, Any]:
        """For :meth:`from_json`."""
        return {"version": self.version, "modules": self._modules}

    @classmethod
    def from_json(cls, found: Any) -> RealNames | None:
        """What was remembered; ``None`` where that is nothing, or can't be read."""
        if not isinstance(found, dict) or not isinstance(found.get("modules"), dict):
            return None
        return cls(str(found.get("version", "")), found["modules"])

    def covers(self, other: RealNames) -> bool:
        """Whether the other one, of the same version, knows no more modules."""
        return self.version == other.version and self._modules.keys() >= other._modules.keys()

    def merged(self, other: RealNames) -> RealNames:
        """Both, where they are of one version; this one otherwise."""
        return RealNames(self.version, {**(other._modules if other.version == self.version else {}), **self._modules})

    def _kinds_of(self, module: str) -> dict[str, str]:
        if module not in self._kinds:
            by_kind = self._modules.get(module, {})
            self._kinds[module] = {
                name: kind for kind, names in by_kind.items() if kind != "open" for name in names.split()
            }
        return self._kinds[module]


def look_at(fullname: str) -> RealNames | None:
    """The public names of a package as it stands in ``sys.modules``; ``None`` where it isn't there, or not real."""
    package = sys.modules.get(fullname)
    if not isinstance(package, ModuleType) or not is_real(fullname, package):
        return None
    modules = {
        name: _names_of(module)
        for name, module in list(sys.modules.items())
        if is_within(name, fullname) and isinstance(module, ModuleType) and "._" not in name
    }
    return RealNames(str(vars(package).get("__version__", "")), modules)


def _names_of(module: ModuleType) -> dict[str, str]:
    by_kind: dict[str, list[str]] = {}
    for name, value in list(vars(module).items()):
        if name[:1] != "_":
            by_kind.setdefault(_kind(value), []).append(name)
    on_disk = {found.name for found in pkgutil.iter_modules(vars(module).get("__path__") or [])}
    by_kind.setdefault("module", []).extend(sorted(on_disk - vars(module).keys()))
    names = {kind: " ".join(sorted(some)) for kind, some in by_kind.items()}
    is_open = "__getattr__" in vars(module) or type(module) is not ModuleType
    return {"open": "", **names} if is_open else names


def _kind(value: Any) -> str:
    # By the type: whoever asks an object for its class may wake it.
    if issubclass(type(value), ModuleType):
        return "module"
    if issubclass(type(value), type):
        if not issubclass(value, BaseException):
            return "class"
        known = vars(builtins)
        return str(next(base.__name__ for base in type.mro(value) if known.get(base.__name__) is base))
    return "function" if any("__call__" in vars(cls) for cls in type(value).__mro__) else "value"
