"""
What stands in ``sys.modules``: looked at, taken out, put back. With ``keeper.py`` the writer of ``sys.modules``.

To look at a module wakes none: a lazy one, or a fake, is asked for no more than what its namespace says.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from ..facts.names import is_within, lineage, root

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


class _Blocked:
    """``sys.modules[name] = None``: the import of *name* fails, as if it were not installed."""


BLOCKED = _Blocked()
_MISSING = object()


def in_place(fullname: str) -> Any:
    """What stands in ``sys.modules``: ``None`` where nothing does, BLOCKED where None does."""
    module = sys.modules.get(fullname, _MISSING)
    return None if module is _MISSING else BLOCKED if module is None else module


def declared_spec(module: Any) -> ModuleSpec | None:
    """A module's spec, read without waking a lazy module or asking a fake for it."""
    try:
        namespace = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return None
    spec: ModuleSpec | None = namespace.get("__spec__")
    return spec


def is_finished(module: Any) -> bool:
    """Whether a module has been executed to its end, as importlib knows it, and as we do where it is deferred."""
    return not (is_initializing(module) or getattr(type(module), "is_deferred", False))


def is_initializing(module: Any) -> bool:
    """
    Whether importlib has marked a module as one that is being executed.

    The mark is private, from Python 3.3 to 3.14. Without it a module would be taken for whole, and kept, too early.
    """
    return bool(getattr(declared_spec(module), "_initializing", False))


def is_namespace(module: Any) -> bool:
    """Whether a module is a namespace package, which several distributions may share."""
    spec = declared_spec(module)
    return spec is not None and spec.origin is None and spec.submodule_search_locations is not None


def is_real(fullname: str, module: Any) -> bool:
    """
    Whether what stands under a name in ``sys.modules`` belongs there, and is no stand-in.

    A finder has found it; or its package put an object of its own there (``torch.ops``); or an extension module has
    made it, as a submodule of its own (``torch._C._dynamo``).
    """
    spec = declared_spec(module)
    if spec is not None:
        is_found = getattr(spec, "name", None) == fullname and getattr(spec, "loader", None) is not None
        return is_found and not is_stand_in(module)
    if is_within(type(module).__module__, root(fullname)):
        return True
    # Not always an attribute of the extension: C code alone knows torch._C._dynamo.autograd_compiler.
    parents = [sys.modules.get(name) for name in lineage(fullname.rpartition(".")[0])]
    return type(module) is ModuleType and any(map(is_extension, parents))


def holds(module: Any, names: Collection[str]) -> bool:
    """
    Whether a module has one of these, or a function, a class or an instance of a class of theirs, in its namespace.

    What it has as a package doesn't count: its own parts, under their names.
    """
    try:
        namespace = dict(object.__getattribute__(module, "__dict__"))
    except AttributeError:
        return False
    package = namespace.get("__name__")
    return any(_home(value) in names for key, value in namespace.items() if _home(value) != f"{package}.{key}")


def _home(value: Any) -> str | None:
    """The name of the module that a value comes from, or that it is."""
    kind = type(value)
    if issubclass(kind, ModuleType):
        home = object.__getattribute__(value, "__dict__").get("__name__")
    else:
        home = getattr(value if kind is FunctionType or issubclass(kind, type) else kind, "__module__", None)
    return home if isinstance(home, str) else None


def is_stand_in(module: Any) -> bool:
    """Whether a module is one of our own stand-ins, which are there on purpose."""
    return getattr(getattr(declared_spec(module), "loader", None), "is_stand_in", False) is True


def is_extension(module: Any) -> bool:
    """Whether a module was loaded from a shared library."""
    return str(getattr(declared_spec(module), "origin", None)).endswith(tuple(EXTENSION_SUFFIXES))


def put(fullname: str, module: Any) -> None:
    """Put something in the place of a module; ``guard/fakes.py`` knows what was there, and for how long."""
    sys.modules[fullname] = module


def take_away(names: Iterable[str]) -> Callable[[], None]:
    """Take modules away; what is returned puts those back that were there."""
    gone = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    return lambda: sys.modules.update(gone)


def take_out(modules: Mapping[str, Any], *, is_attribute: bool = True) -> None:
    """
    Take modules out of ``sys.modules``, and as attributes off their parents, where it is these that are there.

    :func:`put_in` puts them back, if nobody else has brought one in meanwhile.
    """
    for name, module in modules.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]
        namespace, child = attribute_of_parent(name)
        if is_attribute and namespace.get(child) is module:
            del namespace[child]


def put_in(modules: Mapping[str, Any]) -> None:
    """Put modules into ``sys.modules``, and as attributes onto their parents, where nothing else is."""
    for name, module in modules.items():
        sys.modules.setdefault(name, module)
        namespace, child = attribute_of_parent(name)
        namespace.setdefault(child, module)


def bind(fullname: str, module: Any) -> None:
    """Have a package that is there have this module as its attribute, or none (``None``)."""
    namespace, child = attribute_of_parent(fullname)
    if module is None:
        namespace.pop(child, None)
    else:
        namespace[child] = module


def bound(fullname: str) -> Any:
    """What a package that is there has as the attribute of that name; ``None`` where it has none."""
    namespace, child = attribute_of_parent(fullname)
    return namespace.get(child)


def attribute_of_parent(fullname: str) -> tuple[dict[str, Any], str]:
    """The namespace of the package that is there, an empty one where none is, and the name that a module has in it."""
    package, _, child = fullname.rpartition(".")
    namespace = getattr(sys.modules.get(package), "__dict__", None)
    return (namespace if isinstance(namespace, dict) else {}), child


def take_fake(fullname: str, module: Any) -> Callable[[], None]:
    """Take out what somebody has put in the place of *module*, if anything; what is returned puts it back."""
    is_fake = sys.modules.get(fullname, module) is not module and not is_real(fullname, sys.modules[fullname])
    return take_away([fullname] if is_fake else [])
