"""
What real modules have: the public names of a package that is imported, to be remembered as JSON.

A name's kind is ``module``, ``class``, ``function``, ``callable`` (what else can be called), ``value``, or the name of
the builtin exception that it derives from.
"""

from __future__ import annotations

import builtins
import difflib
import inspect
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from inspect import Parameter, Signature
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from ..facts.files import objection_to_writing, rewrite
from ..facts.names import is_within, root
from ..facts.places import is_there
from ..imports.modules import is_real

Names = dict[str, str]
"""Names with blanks between them, by what is said of them."""

FORMAT = 1
FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)


class RealNames:
    """The public names of a package and of those of its submodules that were imported, each with its kind."""

    def __init__(
        self,
        version: str,
        modules: dict[str, Names],
        signatures: dict[str, Names] | None = None,
        real: dict[str, ModuleType] | None = None,
    ) -> None:
        """
        Args:
            version: Of the package.
            modules: Each module's names of each kind; ``"open"`` where it has more.
            signatures: Each module's names of each signature, as :func:`_signature_text` writes it.
            real: The modules themselves, where they are there: their signatures are looked up when they are needed.
        """
        self.version = version
        self._modules = modules
        self._signatures = signatures or {}
        self._real = real or {}
        self._kinds: dict[str, dict[str, str]] = {}

    def kind(self, module: str, name: str) -> str:
        """Its kind; an empty string where the name is not known."""
        return self._kinds_of(module).get(name, "")

    def signature(self, module: str, name: str) -> Signature | None:
        """How a function or a class is called; ``None`` where that is not known."""
        if module in self._real:
            return _read(_signature_text(vars(self._real[module]).get(name), module))
        known = self._signatures.get(module, {})
        return _read(next((text for text, names in known.items() if name in names.split()), ""))

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
        seen = {name: _signatures_of(module) for name, module in self._real.items()}
        return {"version": self.version, "modules": self._modules, "signatures": {**self._signatures, **seen}}

    @classmethod
    def from_json(cls, found: Any) -> RealNames | None:
        """What was remembered; ``None`` where that is nothing, or can't be read."""
        if not isinstance(found, dict) or not isinstance(found.get("modules"), dict):
            return None
        signatures = found.get("signatures")
        known = signatures if isinstance(signatures, dict) else {}
        return cls(str(found.get("version", "")), found["modules"], known)

    def covers(self, other: RealNames) -> bool:
        """Whether the other one, of the same version, knows no more modules."""
        return self.version == other.version and self._modules.keys() >= other._modules.keys()

    def merged(self, other: RealNames) -> RealNames:
        """Both, where they are of one version; this one otherwise."""
        if other.version != self.version:
            return self
        return RealNames(
            self.version,
            {**other._modules, **self._modules},
            {**other._signatures, **self._signatures},
            {**other._real, **self._real},
        )

    def _kinds_of(self, module: str) -> dict[str, str]:
        if module not in self._kinds:
            by_kind = self._modules.get(module, {})
            self._kinds[module] = {
                name: kind for kind, names in by_kind.items() if kind != "open" for name in names.split()
            }
        return self._kinds[module]


def read_file(file: Path) -> dict[str, RealNames]:
    """
    What :func:`write_file` has written, by package.

    Raises:
        OSError: It can't be read.
        ValueError: Somebody else has written it.
    """
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"it is no file of names, of format {FORMAT}")
    return {name: real for name, said in found["packages"].items() if (real := RealNames.from_json(said))}


def write_file(file: Path, names: Mapping[str, RealNames]) -> None:
    """
    Write a file for :func:`read_file`, to be committed: the same names make the same text.

    Raises:
        OSError: It can't be written.
    """
    packages = {name: real.as_json() for name, real in names.items()}
    text = json.dumps({"format": FORMAT, "packages": packages}, indent=1, sort_keys=True)
    if not file.exists():
        file.write_text(f"{text}\n", encoding="utf-8")
    elif fault := objection_to_writing(file):
        raise OSError(f"{file}: {fault}")
    else:
        rewrite(file, file.read_bytes(), f"{text}\n".encode())


def look_at(fullname: str, seen: RealNames | None = None) -> RealNames | None:
    """
    The public names of a package as it stands in ``sys.modules``; ``None`` where it isn't there, or not real.

    Args:
        fullname: The package.
        seen: What was seen of it before; the modules of that are not looked at again.
    """
    package = sys.modules.get(fullname)
    if not isinstance(package, ModuleType) or not is_real(fullname, package) or not is_there(fullname):
        return None
    real = {
        name: module
        for name, module in sys.modules.copy().items()
        if is_within(name, fullname) and isinstance(module, ModuleType) and "._" not in name and is_there(name)
    }
    known = {name: seen._modules[name] for name in seen._real if seen._real[name] is real.get(name)} if seen else {}
    names = {name: known.get(name) or _names_of(module) for name, module in real.items()}
    return RealNames(str(vars(package).get("__version__", "")), names, real=real)


def _names_of(module: ModuleType) -> Names:
    from pkgutil import iter_modules  # here, since most runs with a stand-in look at no real module

    names = _grouped((name, _kind(value)) for name, value in list(vars(module).items()))
    on_disk = {found.name for found in iter_modules(vars(module).get("__path__") or [])} - vars(module).keys()
    names["module"] = " ".join(filter(None, [names.get("module"), *sorted(on_disk)]))
    is_open = "__getattr__" in vars(module) or type(module) is not ModuleType
    return {"open": "", **names} if is_open else names


def _signatures_of(module: ModuleType) -> Names:
    return _grouped((name, _signature_text(value, module.__name__)) for name, value in list(vars(module).items()))


def _grouped(names: Iterable[tuple[str, str]]) -> Names:
    """The public names, by what is said of each; those of which nothing is said are left out."""
    groups: dict[str, list[str]] = {}
    for name, said in names:
        if name[:1] != "_" and said:
            groups.setdefault(said, []).append(name)
    return {said: " ".join(sorted(group)) for said, group in groups.items()}


# By the type: whoever asks an object for its class, or for an attribute, may wake it.


def _kind(value: Any) -> str:
    if issubclass(type(value), ModuleType):
        return "module"
    if issubclass(type(value), type):
        if not issubclass(value, BaseException):
            return "class"
        known = vars(builtins)
        return str(next(base.__name__ for base in type.mro(value) if known.get(base.__name__) is base))
    if type(value) in FUNCTIONS:
        return "function"
    return "callable" if _has(type(value), "__call__") else "value"


def _home(value: Any) -> str:
    """The module that an object says it is of."""
    home = None if _has(type(value), "__getattr__") else getattr(value, "__module__", None)
    return home if isinstance(home, str) else ""


def _signature_text(value: Any, module: str) -> str:
    """
    How an object is called, without annotations and the values of defaults; empty where nobody can be sure.

    What a module has imported from another package is not looked at: it is a stand-in's business no more than ``sys``.
    """
    kind = _kind(value)
    if kind not in ("class", "function", "callable") or root(_home(value)) != root(module):
        return ""
    if kind == "class" and not _has_one_constructor(value):
        return ""
    try:
        parameters = inspect.signature(value).parameters.values()
    except Exception:  # whatever an object says of itself
        return ""
    return str(
        Signature([_parameter(each.name, each.kind, each.default is not Parameter.empty) for each in parameters])
    )


def _parameter(name: str, kind: Any, has_default: bool) -> Parameter:
    return Parameter(name, kind, default=_Default() if has_default else Parameter.empty)


class _Default:
    """Whatever it is."""

    def __repr__(self) -> str:
        return "..."


def _has_one_constructor(cls: type) -> bool:
    """Whether its signature is that of its constructor alone: no metaclass calls it, and only one method is asked."""
    constructors = [name for name in ("__new__", "__init__") if getattr(cls, name) is not getattr(object, name)]
    return type(cls).__call__ is type.__call__ and len(constructors) < 2


def _has(cls: type, method: str) -> bool:
    return any(method in vars(base) for base in cls.__mro__)


def _read(text: str) -> Signature | None:
    """The signature of a text; ``None`` where there is none, or somebody else has written the cache."""
    parameters: list[Parameter] = []
    kind: Any = Parameter.POSITIONAL_OR_KEYWORD
    try:
        for part in filter(None, text[1:-1].split(", ")):
            name, _, default = part.partition("=")
            if part == "/":
                parameters = [each.replace(kind=Parameter.POSITIONAL_ONLY) for each in parameters]
            elif part.startswith("**"):
                parameters.append(_parameter(part[2:], Parameter.VAR_KEYWORD, False))
            elif part.startswith("*"):
                kind = Parameter.KEYWORD_ONLY
                parameters += [_parameter(part[1:], Parameter.VAR_POSITIONAL, False)] if part[1:] else []
            else:
                parameters.append(_parameter(name, kind, bool(default)))
        return Signature(parameters) if text else None
    except ValueError:
        return None
