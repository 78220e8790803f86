"""The registry: each heavy module is imported once per session; its object, or its failure, is remembered."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import attrgetter
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from .config.declarations import HeavyModule, merge, parse_line
from .errors import HeavyModuleMissing, add_note
from .facts.names import is_within
from .facts.places import INHERITED, WARM, Place, Whereabouts, is_there, within_modules
from .facts.records import Import
from .imports.absence import installed_version, is_absence, missing, require
from .imports.modules import is_real

if TYPE_CHECKING:
    from .facts.ledger import Ledger

EARLIER = Place("earlier, by an import statement")


class ModuleRegistry:
    """
    The heavy modules of one session. Any thread may ask; two that ask at once share one import.

    One lock serves all modules, so that imports run one after another: threads that import different parts of torch at
    the same time can abort the process.
    """

    def __init__(
        self,
        declared: Mapping[str, HeavyModule],
        *,
        ledger: Ledger,
        whereabouts: Whereabouts,
        around: Callable[[str], AbstractContextManager[object]],
        on_missing: Callable[[str], NoReturn],
        load: Callable[[ModuleType], Any] = lambda module: module,
        check_real: Callable[[str], None] = lambda _: None,
    ) -> None:
        """
        Args:
            declared: By alias; filled in while pytest is configured.
            ledger: Where first imports are recorded.
            whereabouts: Tells where the run is now.
            around: Called with the name of each module, and entered while it is imported.
            on_missing: Called with the reason where a module is not installed or too old; raises.
            load: Executes a module whose import was put off.
            check_real: Called with the name of each module that is asked for; raises where there is a stand-in of it.
        """
        self.declared = declared
        self.ledger = ledger
        self._whereabouts = whereabouts
        self._around = around
        self._on_missing = on_missing
        self._load = load
        self._check_real = check_real
        self.is_remembering = True
        """Whether what is imported is that of the whole session, and not of one test that has a stand-in."""
        self._modules: dict[str, ModuleType] = {}
        self._failures: dict[str, tuple[BaseException, TracebackType | None]] = {}
        self._lock = threading.RLock()

    def get(self, name: str, *attributes: str, minversion: str | None = None, reason: str | None = None) -> Any:
        """
        Import a heavy module, once, and give it or objects of it.

        Args:
            name: A declared alias, ``"module"`` or ``"module:attribute"``.
            attributes: Names, dotted ones too, that are looked up in what *name* gives.
            minversion: The lowest version that will do, as in ``pytest.importorskip``.
            reason: The reason of the skip where the module is missing, in place of ours.

        Returns:
            With no attributes what *name* gives, with one that object, with several a tuple of them. Always the
            identical objects.

        Raises:
            pytest.skip.Exception: The module is not installed or too old (a failure with ``heavy_missing = fail``).
            InvalidDeclaration: *name* is neither an alias nor an object reference, or *minversion* no version.
            AttributeError: The module has no such attribute.
            Exception: Whatever the module raised while it was imported; the same error each time.
        """
        __tracebackhide__ = True
        wanted = self._wanted(name, minversion)
        found = self._object(wanted, reason=reason)
        objects = tuple(_attribute(found, attribute, wanted) for attribute in attributes)
        return objects[0] if len(objects) == 1 else objects or found

    def provide(self, alias: str) -> Any:
        """What the fixture *alias* gives: as :meth:`get`, and the place of the import names the fixture."""
        __tracebackhide__ = True
        with self._whereabouts.setting_up(alias):
            return self._object(self.declared[alias])

    def notice(self, place: Place | Callable[[str], Place], within: str = "") -> None:
        """
        Record the declared modules that import statements have brought in since the last call.

        Args:
            place: Where, or a function that gives it for the name of a module.
            within: The module whose import has brought them in.
        """
        new = [name for name in {module.fullname for module in self.declared.values()} if self._is_new(name)]
        for fullname in new:
            bringer = within or _bringer(fullname, new)
            here = WARM if fullname in INHERITED else place if isinstance(place, Place) else place(fullname)
            self.ledger.record(Import(fullname, here, within=bringer))

    def _is_new(self, fullname: str) -> bool:
        """Whether the module is there, a fake of it is not, and nobody has recorded its import."""
        return (
            is_there(fullname) and is_real(fullname, sys.modules[fullname]) and self.ledger.import_of(fullname) is None
        )

    def _wanted(self, name: str, minversion: str | None) -> HeavyModule:
        __tracebackhide__ = True
        wanted = self.declared.get(name) if isinstance(name, str) else None
        if wanted is None:
            wanted = parse_line(name)
            for module in self.declared.values():
                if module.fullname == wanted.fullname:
                    wanted = merge(module, wanted)._replace(attributes=wanted.attributes)
        if minversion is not None:
            at_least = parse_line(f"{wanted.fullname} >= {minversion}").specifiers
            specifiers = dict.fromkeys(filter(None, (wanted.specifiers, at_least)))
            wanted = wanted._replace(specifiers=",".join(specifiers))
        return wanted

    def _object(self, wanted: HeavyModule, *, reason: str | None = None) -> Any:
        __tracebackhide__ = True
        self._check_real(wanted.fullname)
        lacking = ""
        try:
            module = self._module(wanted) if self.is_remembering else self._import_in_passing(wanted)
        except HeavyModuleMissing as error:
            lacking = reason or str(error)
        if lacking:  # out of the handler: the test's report needs no second traceback
            self._on_missing(lacking)
        return _attribute(module, wanted.attributes, wanted) if wanted.attributes else module

    def _module(self, wanted: HeavyModule) -> ModuleType:
        __tracebackhide__ = True
        with self._lock:
            version = installed_version(wanted.fullname) if wanted.specifiers else None
            if version is not None:
                require(wanted, version)
            module = self._modules.get(wanted.fullname) or self._import(wanted)
            if wanted.specifiers and version is None:
                require(wanted, getattr(module, "__version__", None))
            return module

    def _import_in_passing(self, wanted: HeavyModule) -> ModuleType:
        __tracebackhide__ = True
        try:
            return importlib.import_module(wanted.fullname)
        except ModuleNotFoundError as error:
            if not is_absence(error, wanted.fullname):
                raise
            raise missing(wanted, error) from None

    def _import(self, wanted: HeavyModule) -> ModuleType:
        __tracebackhide__ = True
        fullname = wanted.fullname
        if fullname in self._failures:
            error, traceback = self._failures[fullname]
            raise error.with_traceback(traceback)
        is_earlier = is_there(fullname) and sys.modules[fullname] is not None
        place = self._whereabouts() if not is_earlier else WARM if fullname in INHERITED else EARLIER

        def is_recorded(error: BaseException | None) -> bool:
            is_known = self.ledger.import_of(fullname) is not None
            return not (is_known or isinstance(error, KeyboardInterrupt) or (error and is_absence(error, fullname)))

        importing = self.ledger.importing(
            fullname, place, self._around, is_measured=not is_earlier, is_recorded=is_recorded
        )
        try:
            with importing:
                module: ModuleType = self._load(importlib.import_module(fullname))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # pytest-timeout's failure is no Exception, a module's sys.exit() neither
            if is_absence(error, fullname):
                raise missing(wanted, error) from None
            add_note(error, f"{fullname!r} failed while it was imported: {place}. It is not tried again.")
            self._failures[fullname] = error, within_modules(error.__traceback__)
            raise error.with_traceback(self._failures[fullname][1])  # noqa: B904  # the error itself, its cause and all
        self._modules[fullname] = module
        self.notice(place, "" if is_earlier else fullname)  # declared modules that this one has brought in
        return module


def _bringer(fullname: str, new: Sequence[str]) -> str:
    """
    The module among *new* ones during whose import another one was imported.

    ``sys.modules`` is in the order in which imports have ended: that one ends later, and some part of it ends before.
    """
    if len(new) < 2 or fullname in INHERITED:
        return ""
    order = list(sys.modules)
    before, after = order[: order.index(fullname)], order[order.index(fullname) :]
    for other in new:
        if not is_within(fullname, other) and other in after and any(is_within(name, other) for name in before):
            return other
    return ""


def _attribute(found: Any, attribute: str, wanted: HeavyModule) -> Any:
    try:
        return attrgetter(attribute)(found)
    except AttributeError as error:
        if wanted.source:
            add_note(error, f"Declared as {wanted}.")
        raise
