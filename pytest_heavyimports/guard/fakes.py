"""Stand-ins for protected modules that were never imported, and fakes that somebody may see: who, and while when."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..facts.distributions import has_modules, locate
from ..facts.names import is_within
from ..imports.modules import BLOCKED, in_place, is_real, is_stand_in, put
from .policy import Protection

if TYPE_CHECKING:
    from ..facts.places import Place
    from ..imports.keeper import Keeper

_MISSING = object()


class Fakes:
    """The fakes of one session. What is lent or tolerated is no displacement."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._protection = Protection({})
        self._unprotected: set[str] = set()
        self._seen: list[tuple[str, object]] = []
        self._counted = self._kept = -1
        self._newcomers: dict[str, Any] = {}
        self._tolerated: dict[str, tuple[Any, Place]] = {}
        self._lent: dict[str, dict[str, tuple[Any, Place]]] = {}

    def watch_over(self, protection: Protection) -> None:
        """Look at these packages from now on, and keep what there is of them already."""
        if protection.scope != self._protection.scope:
            self._unprotected.clear()
        self._protection = protection
        self._seen = [(name, _MISSING) for name in protection.packages]
        self._keeper.adopt(self._unkept())

    def has_changed(self) -> bool:
        """Whether a protected package may be another object than at the last look; asked at every checkpoint."""
        if self._keeper.generation != self._kept:
            return True  # one may have come and gone since, by patch.dict
        found = sys.modules.get
        for name, module in self._seen:  # noqa: SIM110  # any() takes longer
            if found(name, _MISSING) is not module:
                return True
        return False

    def look(self, *, is_anything_displaced: bool) -> dict[str, Any]:
        """
        Fakes of protected modules that were never imported, by name. What is real is kept from now on.

        Thousands of names are looked at, so only where something of theirs or the number of modules has changed.
        """
        is_newcomer_gone = any(in_place(name) is not fake for name, fake in self._newcomers.items())
        if is_anything_displaced or is_newcomer_gone or len(sys.modules) != self._counted or self.has_changed():
            unkept = self._unkept()
            self._keeper.adopt(unkept)
            found = {name: in_place(name) for name in unkept if name not in self._keeper.kept}
            self._newcomers = {name: fake for name, fake in found.items() if self._is_fake(name, fake)}
            self._seen = [(name, sys.modules.get(name, _MISSING)) for name in self._protection.packages]
            self._counted, self._kept = len(sys.modules), self._keeper.generation
        return dict(self._newcomers)

    def packages_in_place(self) -> dict[str, Any]:
        """The packages that are fakes now, lent and tolerated ones too."""
        present = {name: sys.modules.get(name) for name in self._protection.packages}
        return {
            name: module
            for name, module in present.items()
            if module is not None
            and module is not self._keeper.kept.get(name)
            and not is_real(name, module)
            and not is_stand_in(module)
        }

    def shown_now(self) -> dict[str, Any]:
        """Fakes in the place of what is installed, that whoever imports now may take something from."""
        fakes = {name: fake for name, fake in self.packages_in_place().items() if self._is_fake(name, fake)}
        parts = self._keeper.displaced()
        return fakes | {name: fake for name, fake in parts.items() if fake is not None and self._is_fake(name, fake)}

    def tolerated(self) -> dict[str, Any]:
        """Those that are meant to be there now, by name."""
        return {name: fake for name, (fake, _) in self._tolerated.items()}

    def tolerated_since(self, fullname: str) -> Place | None:
        """Who put in a fake that is lent or tolerated; ``None`` if none is."""
        return self._tolerated[fullname][1] if fullname in self._tolerated else None

    def tolerate(self, fakes: dict[str, Any], place: Place) -> None:
        """For the whole session: a ``conftest.py`` that plays "not installed", on purpose."""
        self._tolerated.update({name: (fake, place) for name, fake in fakes.items()})

    def lend(self, fakes: dict[str, Any], place: Place) -> None:
        """To the tests of the file, or of the directory, that has put them in: in place while they run."""
        self._lent.setdefault(place.nodeid, {}).update({name: (fake, place) for name, fake in fakes.items()})

    def is_lent(self, fullname: str, file: str) -> bool:
        """Whether a fake of this module is lent to the tests of a file or directory."""
        return fullname in self._lent.get(file, {})

    @contextmanager
    def lending(self, nodeid: str) -> Iterator[None]:
        """Around a test, or the collection of a file: what is lent to it is in place."""
        lent = {
            name: given for file, some in self._lent.items() if is_under(nodeid, file) for name, given in some.items()
        }
        before = {name: in_place(name) for name in lent}
        outer = self._tolerated
        self._tolerated = outer | lent
        self._put({name: fake for name, (fake, _) in lent.items()})
        try:
            yield
        finally:
            self._tolerated = outer
            self._put({name: before[name] for name, (fake, _) in lent.items() if in_place(name) is fake})

    def _put(self, modules: dict[str, Any]) -> None:
        for name, module in modules.items():
            if module is None:
                self._keeper.put_back([name])
            else:
                put(name, None if module is BLOCKED else module)

    def _is_fake(self, fullname: str, module: Any) -> bool:
        if module is None or is_real(fullname, module) or is_stand_in(module):
            return False
        spec = locate(fullname)
        # A stand-in for what isn't installed hides nothing. Nor does a module that lies beside a folder of stubs.
        return spec is not None and (spec.loader is not None or has_modules(spec))

    def _unkept(self) -> set[str]:
        """Names in ``sys.modules`` that are protected and not kept."""
        names = sys.modules.keys() - self._keeper.kept.keys() - self._unprotected
        self._unprotected |= {name for name in names if not self._protection.covers(name)}
        return names - self._unprotected


def is_held(fake: Any, package: str) -> bool:
    """Whether a module of *package* has taken *fake*, or something of it, into its namespace."""
    is_mock = type(fake).__module__ == "unittest.mock"
    parts = {id(fake)} if is_mock else {id(fake), *(id(part) for name, part in vars(fake).items() if name[:2] != "__")}
    for name, module in sys.modules.copy().items():
        if is_within(name, package):
            for value in list(vars(module).values()) if hasattr(module, "__dict__") else ():
                if id(value) in parts or (is_mock and type(value).__module__ == "unittest.mock"):
                    return True
    return False


def is_held_by(fake: Any, module: Any) -> bool:
    """Whether a module has taken *fake*, or something that is surely of it, into its namespace."""
    parts = {id(fake), *map(id, _parts(fake))}
    return any(id(value) in parts or _mock_root(value) is fake for value in list(vars(module).values()))


def _parts(fake: Any) -> list[Any]:
    """What a fake made by hand consists of. Numbers, texts and other modules may be held for another reason."""
    namespace = getattr(fake, "__dict__", {}) if type(fake).__module__ != "unittest.mock" else {}
    known = (bool, bytes, float, int, str, tuple, type(None), ModuleType)
    return [part for name, part in list(namespace.items()) if name[:2] != "__" and not isinstance(part, known)]


def _mock_root(value: Any) -> Any:
    """The mock that a part of a mock is a part of; what is no part of one itself."""
    while type(value).__module__ == "unittest.mock" and vars(value).get("_mock_new_parent") is not None:
        value = vars(value)["_mock_new_parent"]
    return value


def shown(fake: Any) -> str:
    """A fake, for people."""
    kind = "module made by hand" if type(fake).__name__ == "module" else type(fake).__name__
    return "None" if fake is BLOCKED else f"a {kind}"


def is_under(nodeid: str, file: str) -> bool:
    """Whether a test lies in a file, or in a directory, whose conftest.py is read when it is collected."""
    return file in ("", ".") or nodeid.startswith((f"{file}::", f"{file}/"))
