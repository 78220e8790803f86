"""The registry: one import each, remembered."""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import pytest

from pytest_heavyimports import InvalidDeclaration
from pytest_heavyimports.config.declarations import parse_line
from pytest_heavyimports.facts.ledger import Ledger
from pytest_heavyimports.facts.places import Place, Whereabouts
from pytest_heavyimports.registry import ModuleRegistry

Executed = Callable[[], "list[str]"]


class Missing(Exception):
    """Stands for pytest's skip."""


def _missing(reason: str) -> NoReturn:
    raise Missing(reason)


def make_registry(*lines: str) -> ModuleRegistry:
    """A registry in which these lines are declared."""
    declared = [parse_line(line, f"pytest.ini, line {number}") for number, line in enumerate(lines, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_CURRENT_TEST")  # as at the start of a session
        whereabouts = Whereabouts("/nowhere")
    return ModuleRegistry(
        {module.alias: module for module in declared},
        ledger=Ledger(),
        whereabouts=whereabouts,
        around=contextlib.nullcontext,
        on_missing=_missing,
    )


def test_a_module_by_its_name(samples: Executed) -> None:
    """The module itself is given, executed once however often it is asked for."""
    registry = make_registry()
    module = registry.get("counted")
    assert module is sys.modules["counted"]
    assert registry.get("counted") is module
    assert samples() == ["counted"]


def test_objects_of_a_module(samples: Executed) -> None:
    """An object is given by reference or by name, several names give a tuple."""
    registry = make_registry()
    greet = registry.get("counted:greet")
    assert greet("you") == "hello you"
    assert registry.get("counted", "greet") is greet
    assert registry.get("counted", "answer", "Thing.size") == (42, 7)
    assert registry.get("counted:Thing", "size") == 7
    assert registry.get("counted:Thing.size") == 7


def test_falsy_objects_are_given_as_they_are(samples: Executed, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that is false is given, not the module in its place."""
    registry = make_registry()
    module = registry.get("counted")
    monkeypatch.setattr(module, "answer", 0)
    assert registry.get("counted", "answer") == 0
    assert registry.get("counted:answer") == 0


def test_aliases_stand_for_what_they_declare(samples: Executed) -> None:
    """An alias is accepted in place of a module, further names are looked up in its object."""
    registry = make_registry("c = counted", "thing = counted:Thing")
    assert registry.get("c") is sys.modules["counted"]
    assert registry.get("thing") is sys.modules["counted"].Thing
    assert registry.get("thing", "size") == 7
    assert registry.provide("thing") is registry.get("thing")
    assert samples() == ["counted"]


def test_a_submodule(samples: Executed) -> None:
    """A dotted name gives the submodule, not its package."""
    assert make_registry().get("counted.part").piece == "a piece"
    assert samples() == ["counted", "counted.part"]


@pytest.mark.parametrize("name", ["sluggish", "counted:Thing"])
def test_threads_that_ask_at_once_share_one_import(name: str, samples: Executed) -> None:
    """Eight threads get the identical object out of one import."""
    registry = make_registry()
    barrier = threading.Barrier(8)

    def ask(_: int) -> object:
        barrier.wait(timeout=10)
        return registry.get(name)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert len({id(each) for each in found}) == 1
    assert samples() == [name.partition(":")[0]]
    assert len(registry.ledger.imports()) == 1


def test_threads_share_a_failure(samples: Executed) -> None:
    """Eight threads that ask for a broken module get its error, out of one attempt."""
    registry = make_registry()
    barrier = threading.Barrier(8)

    def ask(_: int) -> BaseException:
        barrier.wait(timeout=10)
        with pytest.raises(OSError, match="libhalfway") as caught:
            registry.get("halfway")
        return caught.value

    with ThreadPoolExecutor(8) as pool:
        assert len(set(map(id, pool.map(ask, range(8))))) == 1
    assert samples() == ["halfway"]


def test_the_object_stays_the_same_after_an_eviction(samples: Executed) -> None:
    """Who takes the module out of ``sys.modules`` doesn't make the registry import it again."""
    registry = make_registry()
    module = registry.get("counted")
    del sys.modules["counted"]
    assert registry.get("counted") is module
    assert samples() == ["counted"]


def test_a_replaced_module_is_given_as_it_was(samples: Executed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in in ``sys.modules`` doesn't change what the registry gives."""
    registry = make_registry()
    module = registry.get("counted")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "counted", None)  # type: ignore[arg-type]  # what "not installed" is played with
        assert registry.get("counted") is module


def test_a_module_that_is_there_already_is_given(samples: Executed) -> None:
    """What an import statement has brought in is given as it is, and recorded as such."""
    module = importlib.import_module("counted")
    registry = make_registry()
    assert registry.get("counted") is module
    assert samples() == ["counted"]
    (event,) = registry.ledger.imports()
    assert str(event.place) == "earlier, by an import statement"
    assert event.duration_s is None


def test_an_import_may_ask_for_another(samples: Executed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that asks the registry while it is imported gets its answer from the same thread."""
    registry = make_registry()
    monkeypatch.setattr("builtins.ask_registry", registry.get, raising=False)
    found = registry.get("nested_asker")
    assert found.greet is registry.get("counted:greet")
    assert samples() == ["counted", "nested_asker"]


def test_a_failure_is_remembered(samples: Executed) -> None:
    """The second call raises the identical error, without a second attempt, and says where the first was."""
    registry = make_registry()
    with pytest.raises(OSError, match="libhalfway") as first:
        registry.get("halfway")
    with pytest.raises(OSError, match="libhalfway") as second:
        registry.get("halfway", "anything")
    assert second.value is first.value
    assert samples() == ["halfway"]
    nodeid = "tests/unit/test_registry.py::test_a_failure_is_remembered (call)"
    note = f"'halfway' failed while it was imported: {nodeid}. It is not tried again."
    assert second.value.__notes__ == [note]


def test_a_remembered_failure_has_a_traceback_of_constant_length(samples: Executed) -> None:
    """However often an error is raised again, its traceback shows the module's frame, and doesn't grow."""
    registry = make_registry()
    lengths = []
    for _ in range(3):
        with pytest.raises(OSError, match="libhalfway") as caught:
            registry.get("halfway")
        frames = traceback.extract_tb(caught.value.__traceback__)
        assert frames[-1].filename.endswith("halfway/__init__.py")
        lengths.append(len(frames))
    assert len(set(lengths)) == 1


def test_a_failed_import_is_recorded(samples: Executed) -> None:
    """The ledger has the failure with its error and its cost."""
    registry = make_registry()
    with pytest.raises(OSError, match="libhalfway"):
        registry.get("halfway")
    (event,) = registry.ledger.imports()
    assert event.fullname == "halfway"
    assert event.error.startswith("OSError('libhalfway.so")
    assert event.duration_s is not None


def test_a_module_that_is_not_there_is_missing(samples: Executed) -> None:
    """A module that is not installed is no error, and the declaration is named."""
    registry = make_registry("not_installed_at_all >= 2")
    with pytest.raises(Missing) as caught:
        registry.get("not_installed_at_all")
    assert str(caught.value) == (
        "could not import 'not_installed_at_all': No module named 'not_installed_at_all'; "
        "declared as 'not_installed_at_all >= 2' (pytest.ini, line 1)"
    )
    with pytest.raises(Missing) as caught:
        registry.get("another.module")
    assert str(caught.value) == "could not import 'another.module': No module named 'another'"


def test_a_missing_submodule_is_missing(samples: Executed) -> None:
    """A module that its package doesn't have is missing, too."""
    with pytest.raises(Missing) as caught:
        make_registry().get("counted.nothing")
    assert str(caught.value) == "could not import 'counted.nothing': No module named 'counted.nothing'"


def test_a_missing_dependency_is_an_error(samples: Executed) -> None:
    """A module that is there but whose dependency is missing is broken, not missing."""
    registry = make_registry()
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
            registry.get("needy")
    assert samples() == ["needy"]


def test_reason_takes_the_place_of_ours(samples: Executed) -> None:
    """``reason=`` is given in place of the reason, as by ``pytest.importorskip``."""
    with pytest.raises(Missing, match=r"^no GPU stack here$"):
        make_registry().get("not_installed_at_all", reason="no GPU stack here")


def test_minversion_goes_by_the_modules_own_version(samples: Executed) -> None:
    """A module of no distribution is measured by its ``__version__``."""
    registry = make_registry()
    assert registry.get("counted", minversion="1.5").answer == 42
    with pytest.raises(Missing) as caught:
        registry.get("counted", minversion="1.6")
    assert str(caught.value) == "'counted' is version 1.5, and '>= 1.6' is needed"
    with pytest.raises(Missing) as caught:
        registry.get("sluggish", minversion="1")
    assert str(caught.value) == "the version of 'sluggish' is unknown, and '>= 1' is needed"


def test_a_declared_version_counts_however_the_module_is_asked_for(samples: Executed) -> None:
    """An older module than the declared one is missing by alias, by name and by reference."""
    registry = make_registry("old = counted >= 2")
    for name in ("old", "counted", "counted:answer"):
        with pytest.raises(Missing) as caught:
            registry.get(name)
        assert str(caught.value) == (
            "'counted' is version 1.5, and '>= 2' is needed; declared as 'old = counted >= 2' (pytest.ini, line 1)"
        )


def test_an_installed_module_that_is_too_old_is_not_imported() -> None:
    """The version of an installed distribution is known without an import."""
    code_under_test = "fakeredis"
    was_loaded = code_under_test in sys.modules
    with pytest.raises(Missing, match="'>= 9999' is needed"):
        make_registry().get(code_under_test, minversion="9999")
    assert (code_under_test in sys.modules) is was_loaded


@pytest.mark.parametrize("minversion", ["", "latest", ">= 2", "2.x"])
def test_a_minversion_that_is_none_is_told(minversion: str, samples: Executed) -> None:
    """A minversion that is no version is the caller's fault, told before anything is imported."""
    with pytest.raises(InvalidDeclaration):
        make_registry().get("counted", minversion=minversion)
    assert samples() == []


@pytest.mark.parametrize("name", ["", "scikit-learn", "src/app.py", "counted:"])
def test_a_name_that_is_none_is_told(name: str) -> None:
    """A name that is neither an alias nor an object reference is the caller's fault."""
    with pytest.raises(InvalidDeclaration):
        make_registry().get(name)


@pytest.mark.parametrize("name", [3, None, ["torch"], contextlib])
def test_a_name_that_is_no_text_is_told(name: Any) -> None:
    """A number, a list or a module in the place of a name is the caller's fault, told with what it is."""
    with pytest.raises(InvalidDeclaration) as caught:
        make_registry("counted").get(name)
    assert str(caught.value) == (
        f"{name!r} can't be read: it is no text, but of type {type(name).__name__}. "
        "Write it as 'numpy' or 'package.module:attribute'."
    )


def test_a_typo_in_an_attribute_is_an_attribute_error(samples: Executed) -> None:
    """The error is Python's, and where the object is declared, it says where."""
    registry = make_registry("g = counted:gret")
    with pytest.raises(AttributeError, match="module 'counted' has no attribute 'gret'") as caught:
        registry.provide("g")
    assert caught.value.__notes__ == ["Declared as 'g = counted:gret' (pytest.ini, line 1)."]
    with pytest.raises(AttributeError, match="module 'counted' has no attribute 'nothing'"):
        registry.get("counted", "nothing")


def test_an_interrupted_import_is_tried_again(samples: Executed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control-C during an import is no failure of the module."""
    registry = make_registry()
    interrupts = [KeyboardInterrupt()]
    monkeypatch.setattr("builtins.before_interruptible", lambda: interrupts and _raise(interrupts.pop()), raising=False)
    with pytest.raises(KeyboardInterrupt):
        registry.get("interruptible")
    assert registry.get("interruptible").done


def _raise(error: BaseException) -> NoReturn:
    raise error


def test_a_module_that_exits_is_remembered(samples: Executed) -> None:
    """A module that calls ``sys.exit`` while it is imported is broken like any other."""
    registry = make_registry()
    for _ in range(2):
        with pytest.raises(SystemExit, match="no display"):
            registry.get("exiting")
    assert samples() == ["exiting"]


def test_each_import_has_its_place_and_cost(samples: Executed) -> None:
    """The ledger has one event for each module that was asked for, with seconds."""
    registry = make_registry("slow = sluggish")
    registry.provide("slow")
    registry.provide("slow")
    (event,) = registry.ledger.imports()
    assert event.fullname == "sluggish"
    assert str(event.place) == (
        "tests/unit/test_registry.py::test_each_import_has_its_place_and_cost (call of fixture 'slow')"
    )
    assert event.duration_s is not None
    assert 0.3 <= event.duration_s < 10


def test_modules_brought_in_by_others_are_noticed(samples: Executed) -> None:
    """A declared module that an import statement has brought in is recorded once, without a cost."""
    registry = make_registry("counted", "sluggish")
    registry.notice(Place("collect", "test_a.py"))
    assert registry.ledger.imports() == []
    importlib.import_module("counted")
    registry.notice(Place("collect", "test_b.py"))
    registry.notice(Place("collect", "test_c.py"))
    (event,) = registry.ledger.imports()
    assert (event.fullname, str(event.place), event.duration_s) == ("counted", "test_b.py (collection)", None)


def test_a_declared_module_that_another_brings_in_has_its_place(samples: Executed) -> None:
    """A heavy module that comes in with another one is recorded where the other one was asked for."""
    registry = make_registry("outer", "counted")
    registry.provide("outer")
    assert [event.fullname for event in registry.ledger.imports()] == ["outer", "counted"]
    assert len({event.place for event in registry.ledger.imports()}) == 1
