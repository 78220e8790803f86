"""The code under test, where it was first imported while a fake was in place: it leaves when the fake does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..facts.distributions import is_installed
from ..facts.names import is_within, root
from ..imports.modules import (
    BLOCKED,
    bind,
    bound,
    declared_spec,
    holds,
    in_place,
    is_finished,
    put,
    put_in,
    take_out,
)
from .fakes import is_held_by, is_under

if TYPE_CHECKING:
    from .watch import Owner


class Faked(NamedTuple):
    """A fake that was in place when a module was first imported."""

    fake: Any
    owner: Owner
    """Who has put it in."""


class Kept(NamedTuple):
    """Modules that hold a fake, or something of it, after it has gone."""

    fullnames: tuple[str, ...]
    """Those that have taken it themselves come first."""
    package: str
    """What it was a fake of."""
    owner: Owner
    holder: str = ""
    """A module that holds one of them, and was not imported meanwhile: so they are left where they are."""


class OwnModules:
    """
    Modules of the code under test that hold a fake.

    One that is executed again may fail, where it registers something that can be registered once. Then the one that was
    there comes back, as without a guard.
    """

    def __init__(self) -> None:
        self._imported: dict[str, dict[str, Faked]] = {}
        self._removed: dict[str, Any] = {}
        self._lent: dict[str, dict[str, Any]] = {}
        self._attributes: dict[str, dict[str, Any]] = {}
        """The same for modules that are in no ``sys.modules``, and were attributes of their packages."""

    def importing(self, fullname: str, fakes: Mapping[str, Faked]) -> None:
        """A module that is not protected is about to be imported, while these are in place."""
        fakes = {name: faked for name, faked in fakes.items() if faked.fake is not BLOCKED}
        if fakes and fullname not in sys.modules:
            self._imported[fullname] = fakes

    def again(self, fullname: str) -> Callable[[str, Any], AbstractContextManager[None]] | None:
        """What to enter while a module that was taken out is executed again."""
        return self._executing if fullname in self._removed and fullname not in sys.modules else None

    def settle(self, going_on: Collection[Owner] = ()) -> Iterator[Kept]:
        """
        Take out what holds a fake that has gone; one for each fake, and for what is left where it is.

        Args:
            going_on: Fixtures of several tests, which may have handed out what they have imported under their fakes.
        """
        gone: dict[tuple[str, int], tuple[Faked, list[str]]] = {}
        for name, fakes in list(self._imported.items()):
            if name in sys.modules and not _is_own(sys.modules[name]):
                del self._imported[name]
                continue
            for package, faked in fakes.items():
                if in_place(package) is not faked.fake and faked.owner not in going_on:
                    gone.setdefault((package, id(faked.fake)), (faked, []))[1].append(name)
        for (package, _), (faked, names) in gone.items():
            for name in names:
                self._imported[name].pop(package, None)
                self._settle_attribute(name, faked)
                if not self._imported[name]:
                    del self._imported[name]
            lent = self._lent.get(faked.owner.place.nodeid, {})
            modules = {name: sys.modules[name] for name in names if name in sys.modules}  # one may hold several fakes
            kept = [name for name, module in modules.items() if is_held_by(faked.fake, module) or holds(module, lent)]
            kept = _closure(kept, list(modules))
            if kept:
                yield self._take_out(kept, package, faked)

    def _settle_attribute(self, fullname: str, faked: Faked) -> None:
        """
        Have the package have what ``sys.modules`` has, where its attribute is another module, which holds the fake.

        Whoever puts back ``sys.modules`` leaves that, and ``from package import module`` goes by it. Nobody is blamed.
        """
        module, present = bound(fullname), in_place(fullname)
        if isinstance(module, ModuleType) and module is not present and _is_own(module) and present is not BLOCKED:
            if not is_held_by(faked.fake, module):
                return
            bind(fullname, sys.modules.get(fullname))
            if faked.owner.kind == "file":
                self._attributes.setdefault(faked.owner.place.nodeid, {})[fullname] = module

    def lend(self, kept: Kept, nodeid: str) -> None:
        """To the tests of the file, or of the directory, that has put the fake in, and has left it."""
        lent = {name: self._removed[name] for name in kept.fullnames if name in self._removed}
        self._lent.setdefault(nodeid, {}).update(lent)

    @contextmanager
    def lending(self, nodeid: str) -> Iterator[None]:
        """Around a test: what is lent to it is in place, unless its package was thrown out meanwhile."""
        lent: dict[str, Any] = {}
        given = (item for file, some in self._lent.items() if is_under(nodeid, file) for item in some.items())
        for name, module in sorted(given, key=lambda item: item[0].count(".")):
            package = name.rpartition(".")[0]
            if not package or package in sys.modules or package in lent:
                lent[name] = module
        others = {name: sys.modules[name] for name in lent if name in sys.modules}
        take_out(others)
        put_in(lent)
        attributes = self._attributes_of(nodeid)
        for name, module in attributes.items():
            bind(name, module)
        try:
            yield
        finally:
            for name, module in attributes.items():
                if bound(name) is module:
                    bind(name, sys.modules.get(name))
            take_out(lent)
            put_in(others)

    def _attributes_of(self, nodeid: str) -> dict[str, Any]:
        """As attributes of packages, those modules that nobody has imported since."""
        given = (item for file, some in self._attributes.items() if is_under(nodeid, file) for item in some.items())
        return {name: module for name, module in given if name not in sys.modules}

    def _take_out(self, kept: list[str], package: str, faked: Faked) -> Kept:
        parts = [
            name for name in sys.modules.copy() if any(is_within(name, each) for each in kept) and name not in kept
        ]
        names = [*kept, *(name for name in parts if _is_own(sys.modules[name]))]
        holder = _holder(names, faked.owner.place.nodeid)
        if not holder:
            modules = {name: sys.modules[name] for name in names}
            self._removed |= modules
            take_out(modules)
        return Kept(tuple(kept), package, faked.owner, holder)

    @contextmanager
    def _executing(self, fullname: str, module: Any) -> Iterator[None]:  # noqa: ARG002  # as others that are entered
        try:
            yield
        except Exception:
            put(fullname, self._removed[fullname])
            put_in({fullname: self._removed[fullname]})
        finally:
            self._removed.pop(fullname, None)


def _is_own(module: Any) -> bool:
    """Whether a module is of the code under test, and neither a test file nor a plugin, which pytest has loaded."""
    spec = declared_spec(module)
    if spec is None or spec.origin is None or not is_finished(module) or is_installed(spec):
        return False
    is_pytests = type(spec.loader).__module__.startswith("_pytest.")
    return not is_pytests and root(spec.name) not in sys.stdlib_module_names


def _closure(kept: list[str], names: list[str]) -> list[str]:
    """These, and what of the others has something of them."""
    found = list(kept)
    for name in found:
        found += [other for other in names if other not in found and holds(sys.modules[other], (name,))]
    return found


def _holder(names: Collection[str], nodeid: str) -> str:
    """A module outside of these, and of the file that has put the fake in, that holds something of them."""
    file = nodeid.partition("::")[0]
    for name, module in sys.modules.copy().items():
        spec = declared_spec(module)
        if spec is None or not spec.origin or name in names or is_installed(spec):
            continue
        is_users = root(name) not in sys.stdlib_module_names and not (file and spec.origin.endswith(file))
        if is_users and holds(module, names):
            return name
    return ""
