"""
A stand-in in the place of a real module for a while, and everything put back after it.

Code under test that holds something of the real module is imported again, and sees the stand-in. Modules that can't be
imported again, those of pytest, have the names in them pointed elsewhere for the while.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..facts.distributions import is_installed
from ..facts.names import is_within, root
from ..facts.places import STDLIB
from ..imports.install import put_first
from ..imports.modules import declared_spec, is_extension, take_away
from .calls import MISSING
from .module import StandIn, StandInFinder, is_of_stand_in

if TYPE_CHECKING:
    from ..imports.keeper import Keeper

CONTAINERS = (dict, list, set)


class Swap:
    """One stand-in that is in the place of the real module."""

    def __init__(
        self, stand_in: StandIn, keeper: Keeper, *, tests: Iterable[ModuleType], others: Iterable[ModuleType]
    ) -> None:
        """
        Args:
            stand_in: What is put in.
            keeper: Keeps what must not be imported again.
            tests: Modules in which the names of real things are pointed at their counterparts.
            others: Modules that are left as they are.
        """
        self._stand_in = stand_in
        self._keeper = keeper
        self._tests = list(tests)
        self._pinned = {id(module) for module in (*self._tests, *others)}
        """Test files, conftest files and plugins: pytest has executed them, and they are not imported again."""
        self._before = dict(sys.modules)
        """All modules, when it began: at its end what has come since is told from what was there."""
        self._real = {name: module for name, module in self._before.items() if is_within(name, stand_in.fullname)}
        """The real module and its parts, by name."""
        self._holders = self._find_holders()
        """Code under test that holds something of them: imported again, it holds something of the stand-in."""
        self._namespaces = [_Namespace(module) for module in self._staying()]
        """Modules that stay, as they were: what the stand-in leaves in them is taken out at its end."""
        self._failures: dict[str, Exception] = {}
        """By holder: what its second import has raised, for the test that asks for it."""
        self._open = put_first(StandInFinder(stand_in))
        self._put_back = take_away([*self._real, *self._holders])
        try:
            self.module = importlib.import_module(stand_in.fullname)
            self._import_holders_again()
            self._point_names()
        except BaseException:
            self.undo()
            raise

    def counterpart(self, value: Any, name: str = "") -> Any:
        """
        What there is now for an object of the real module, or of a module that was imported again; else itself.

        Args:
            value: The object.
            name: The name under which somebody holds it.

        Raises:
            Exception: What its module raised when it was imported again.
        """
        if isinstance(value, ModuleType):
            fullname = str(vars(value).get("__name__"))
            is_ours = self._real.get(fullname) is value or self._holders.get(fullname) is value
            return self._now(fullname) if is_ours else value
        home = _home(value)
        if home in self._holders:
            names = [name, getattr(value, "__name__", "")]
            namespace = vars(self._holders[home])
            found = next((each for each in (*names, *namespace) if namespace.get(each, MISSING) is value), "")
            return getattr(self._now(home), found, value) if found else value
        if self._is_of_real(value):
            return self._name_of_real(value, name)
        return value

    def undo(self) -> set[str]:
        """Put everything back; the modules that are forgotten: new ones that saw the stand-in, itself left out."""
        self._open.close()
        there = {**self._thrown_out(), **sys.modules}
        new = {name: module for name, module in there.items() if self._before.get(name, MISSING) is not module}
        gone = {*self._real, *self._holders}
        seen = self._seen({name: module for name, module in new.items() if name not in self._before or name in gone})
        take_away(seen)
        forgotten = seen.keys() - self._before.keys()
        self._keeper.forget(forgotten)
        self._put_back()
        witness = _Witness(seen)
        for namespace in self._namespaces:
            namespace.put_back(witness)
        return {name for name in forgotten if not is_within(name, self._stand_in.fullname)}

    # What there was

    def _find_holders(self) -> dict[str, ModuleType]:
        """The code under test that holds something of the real module, or of another one that does."""
        if not self._real:
            return {}
        candidates = {name: module for name, module in self._before.items() if self._is_code_under_test(name, module)}
        held: dict[str, ModuleType] = {}
        homes = set(self._real)

        def is_sought(value: Any) -> bool:
            return _home(value) in homes or self._is_of_real(value)

        while more := {
            name: module for name, module in candidates.items() if name not in held and _holds(name, module, is_sought)
        }:
            held |= more
            homes |= more.keys()
        return held

    def _is_code_under_test(self, name: str, module: Any) -> bool:
        if not isinstance(module, ModuleType) or id(module) in self._pinned or name in self._keeper.kept:
            return False
        top = root(name)
        if top in sys.stdlib_module_names or top in ("__main__", "pytest_heavyimports") or name in self._real:
            return False
        spec = declared_spec(module)
        if spec is None or spec.name != name or str(spec.origin).startswith(STDLIB):
            return False
        return not is_installed(spec) and not is_extension(module)

    def _is_of_real(self, value: Any) -> bool:
        home = _home(value)
        if home:
            return home in self._real
        # Functions made in C, such as torch.tensor, may not know their module.
        name = getattr(value, "__name__", None) if isinstance(value, types.BuiltinFunctionType) else None
        return isinstance(name, str) and any(_get(module, name) is value for module in self._real.values())

    def _staying(self) -> list[ModuleType]:
        """Modules that stay, and that somebody may leave a thing in: code under test, and parents of what goes."""
        parents = {name.rpartition(".")[0] for name in (self._stand_in.fullname, *self._holders)}
        return [
            module
            for name, module in self._before.items()
            if isinstance(module, ModuleType)
            and name not in self._real
            and name not in self._holders
            and (name in parents or id(module) in self._pinned or self._is_code_under_test(name, module))
        ]

    # What there is

    def _import_holders_again(self) -> None:
        for name in sorted(self._holders, key=lambda name: name.count(".")):
            try:
                importlib.import_module(name)
            except Exception as error:  # told to whoever needs the module
                self._failures[name] = error
                self._detach(name)
        for name, module in self._before.items():
            parent, _, child = name.rpartition(".")
            package = sys.modules.get(parent)
            if parent in self._holders and sys.modules.get(name) is module and child not in vars(package or module):
                setattr(package, child, module)  # imported before, it would not be attached

    def _detach(self, fullname: str) -> None:
        parent, _, child = fullname.rpartition(".")
        namespace = getattr(self._before.get(parent), "__dict__", {})
        if namespace.get(child) is self._before[fullname]:
            del namespace[child]
            self._open.callback(namespace.setdefault, child, self._before[fullname])

    def _point_names(self) -> None:
        for module in self._tests:
            for name, value in list(vars(module).items()):
                now = self.counterpart(value, name) if name[:2] != "__" else value
                if now is not value:
                    vars(module)[name] = now

    def _now(self, fullname: str) -> Any:
        if fullname in self._failures:
            raise self._failures[fullname]
        return importlib.import_module(fullname)

    def _name_of_real(self, value: Any, name: str) -> Any:
        top = self._stand_in.fullname
        if name and _get(self._real[top], name) is value:
            return self._stand_in.entry(top).get(name)
        home, path = _home(value), getattr(value, "__qualname__", "")
        for module, attribute in ((home, path), *((each, name or path) for each in self._real)):
            if attribute and "<" not in attribute and _get(self._real.get(module), attribute) is value:
                return self._stand_in.get(f"{module}.{attribute}")
        return value

    def _thrown_out(self) -> dict[str, ModuleType]:
        """Modules that were imported meanwhile, and that their packages alone still have."""
        added = (value for namespace in self._namespaces for value in namespace.added())
        return {_home(value): value for value in added if isinstance(value, ModuleType)}

    def _seen(self, new: dict[str, Any]) -> dict[str, Any]:
        """Of the new modules those that have seen the stand-in: itself, code under test, whoever holds one of them."""
        top = self._stand_in.fullname
        own = {
            name: module
            for name, module in new.items()
            if is_within(name, top) or name in self._holders or self._is_code_under_test(name, module)
        }
        while more := self._holding(_Witness(own), {name: new[name] for name in new.keys() - own.keys()}):
            own |= more
        return own

    @staticmethod
    def _holding(witness: _Witness, modules: dict[str, Any]) -> dict[str, Any]:
        return {
            name: module
            for name, module in modules.items()
            if isinstance(module, ModuleType) and _holds(name, module, witness.saw)
        }


class _Witness:
    """Tells whether an object has to do with the stand-in."""

    def __init__(self, modules: dict[str, Any]) -> None:
        self._globals = {id(vars(module)) for module in modules.values() if isinstance(module, ModuleType)}
        self._known = {id(module) for module in modules.values()} | {
            id(value)
            for module in modules.values()
            if isinstance(module, ModuleType)
            for value in list(vars(module).values())
            if isinstance(value, type) and value.__module__ in modules
        }

    def saw(self, value: Any) -> bool:
        """Whether it is of the stand-in, or of one of the modules."""
        function = value.__func__ if isinstance(value, types.MethodType) else value
        if isinstance(function, types.FunctionType):
            return id(function.__globals__) in self._globals
        return not self._known.isdisjoint((id(value), id(type(value)))) or is_of_stand_in(value)


class _Namespace:
    """What a module held that stays."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._held = dict(vars(module))
        self._contents = {
            name: value.copy() for name, value in self._held.items() if type(value) in CONTAINERS and name[:2] != "__"
        }
        self._sizes = {name: info().currsize for name, info in self._caches()}

    def added(self) -> list[Any]:
        """What it holds now, and not before."""
        return [value for name, value in vars(self._module).items() if self._held.get(name, MISSING) is not value]

    def put_back(self, witness: _Witness) -> None:
        """Put back what has changed and has to do with the stand-in."""
        namespace = vars(self._module)
        for name, value in list(namespace.items()):
            before = self._held.get(name, MISSING)
            if value is not before and any(map(witness.saw, _within(value))):
                if before is MISSING:
                    del namespace[name]
                else:
                    namespace[name] = before
        for name, contents in self._contents.items():
            container: Any = self._held[name]
            if any(map(witness.saw, _within(container))):
                container.clear()
                (container.extend if isinstance(container, list) else container.update)(contents)
        for name, info in self._caches():
            if info().currsize != self._sizes.get(name):
                self._held[name].cache_clear()

    def _caches(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Functions with a ``functools.lru_cache``."""
        for name, value in self._held.items():
            if type(value).__name__ == "_lru_cache_wrapper":
                yield name, value.cache_info


def _holds(fullname: str, module: ModuleType, is_sought: Callable[[Any], bool]) -> bool:
    """Whether a module holds what is sought, by a name or in a container; its submodules are none of its own."""
    for name, value in list(vars(module).items()):
        if name[:2] == "__" or (isinstance(value, ModuleType) and _home(value) == f"{fullname}.{name}"):
            continue
        if any(map(is_sought, _within(value))):
            return True
    return False


def _within(value: Any) -> Iterable[Any]:
    """The object, and what is in it where it is a container."""
    if type(value) in CONTAINERS or type(value) is tuple:
        return [value, *value, *(value.values() if isinstance(value, dict) else ())]
    return (value,)


def _home(value: Any) -> str:
    """The module that an object is of: itself, where it was defined, or where its class was."""
    if isinstance(value, ModuleType):
        return str(vars(value).get("__name__"))
    is_definition = isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType))
    home = getattr(value, "__module__", None) if is_definition else type(value).__module__
    return home if isinstance(home, str) else ""


def _get(module: Any, path: str) -> Any:
    """An attribute, dotted too, looked up in namespaces alone."""
    for name in path.split("."):
        module = getattr(module, "__dict__", {}).get(name, MISSING) if module is not None else MISSING
    return module
