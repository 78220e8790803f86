"""Modules that load themselves in place, found by the finder as a session installs it."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports.defer.deferral import Deferral, DeferredModule, is_deferred, load
from pytest_heavyimports.defer.hooks import install_deferral
from pytest_heavyimports.imports.keeper import Keeper

Executed = Callable[[], "list[str]"]


@pytest.fixture
def deferral(samples: Executed) -> Iterator[Deferral]:
    """Puts off the samples, until the test ends."""
    deferral = Deferral()
    with install_deferral(deferral, None, Keeper()):
        deferral.defer(["counted", "halfway", "interruptible", "sluggish"])
        yield deferral


def _import(fullname: str) -> Any:
    return importlib.import_module(fullname)


def test_an_import_executes_nothing(deferral: Deferral, samples: Executed) -> None:
    """The module is there, with what importlib gives it, and its part too."""
    counted, part = _import("counted"), _import("counted.part")
    assert samples() == []
    assert is_deferred(counted) and is_deferred(part)
    assert (sys.modules["counted"], sys.modules["counted.part"]) == (counted, part)
    assert counted.part is part
    assert counted.__spec__.name == counted.__name__ == "counted"
    assert counted.__file__.endswith("__init__.py")
    assert _import("counted") is counted


def test_the_first_use_executes_it_in_place(deferral: Deferral, samples: Executed) -> None:
    """It is a module like any other then."""
    counted = _import("counted")
    assert counted.answer == 42
    assert sys.modules["counted"] is counted
    assert type(counted) is ModuleType
    assert type(counted.__loader__).__name__ == type(counted.__spec__.loader).__name__ == "SourceFileLoader"
    assert counted.Thing.size == 7
    assert samples() == ["counted"]


def test_a_part_is_executed_after_its_package(deferral: Deferral, samples: Executed) -> None:
    """And not with it twice."""
    part = _import("counted.part")
    assert part.piece == "a piece"
    assert sys.modules["counted"].part is part
    assert samples() == ["counted", "counted.part"]


def test_what_is_loaded_is_deferred_no_more(deferral: Deferral, samples: Executed) -> None:
    """A part that is imported later is imported as ever."""
    assert _import("counted").answer == 42
    assert not is_deferred(_import("counted.part"))
    assert samples() == ["counted", "counted.part"]


@pytest.mark.parametrize("name", ["__wrapped__", "__bases__", "__test__", "_mock_name", "_pytestfixturefunction"])
def test_probes_execute_nothing(deferral: Deferral, samples: Executed, name: str) -> None:
    counted = _import("counted")
    assert not hasattr(counted, name)
    assert samples() == []


@pytest.mark.parametrize("asker", ["_pytest.python", "inspect", "unittest.loader"])
def test_those_who_probe_get_no_name(deferral: Deferral, samples: Executed, asker: str) -> None:
    """Whatever they ask for, but what tells of the module."""
    names = {"__name__": asker, "counted": _import("counted")}
    assert not eval("hasattr(counted, 'answer')", names)
    assert samples() == []
    assert eval("counted.__version__", names) == "1.5"


@pytest.mark.parametrize("expression", ["vars(counted)", "dir(counted)", "counted.__doc__", "counted.__annotations__"])
def test_uses(deferral: Deferral, samples: Executed, expression: str) -> None:
    """What says something of what the module has."""
    eval(expression, {"counted": _import("counted")})
    assert samples() == ["counted"]


def test_setting_and_deleting(deferral: Deferral) -> None:
    """Both find the module executed, so that nothing is overwritten later."""
    counted = _import("counted")
    counted.answer = 1
    counted.__version__ = "9"
    del counted.greet
    assert (counted.answer, counted.__version__, hasattr(counted, "greet")) == (1, "9", False)


def test_an_error_is_raised_again(deferral: Deferral, samples: Executed) -> None:
    """The same one, with a note of where the import was."""
    halfway = _import("halfway")
    caught = []
    for _ in range(2):
        with pytest.raises(OSError, match="libhalfway") as raised:
            halfway.anything  # noqa: B018  # a use
        caught.append(raised.value)
    assert caught[0] is caught[1]
    assert str(caught[0].__notes__).count("was imported at") == 1
    assert samples() == ["halfway"]


def test_an_interrupted_import_may_be_tried_again(deferral: Deferral, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no error of the module's."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    interruptible = _import("interruptible")
    monkeypatch.setattr(builtins, "before_interruptible", interrupt, raising=False)
    with pytest.raises(KeyboardInterrupt):
        interruptible.done  # noqa: B018  # a use
    monkeypatch.setattr(builtins, "before_interruptible", lambda: None)
    assert interruptible.done is True
    assert sys.modules["interruptible"] is interruptible


def test_threads_wait_for_the_one_that_executes_it(deferral: Deferral, samples: Executed) -> None:
    sluggish = _import("sluggish")
    seen: list[object] = []
    threads = [threading.Thread(target=lambda: seen.append(sluggish.time)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(each) for each in seen] == [ModuleType] * 4
    assert samples() == ["sluggish"]


def test_who_only_asks_is_answered_by_the_others(deferral: Deferral, samples: Executed) -> None:
    spec = importlib.util.find_spec("counted")
    assert spec is not None
    assert type(spec.loader).__name__ == "SourceFileLoader"
    assert samples() == []


def test_a_reload_of_what_has_never_run(deferral: Deferral, samples: Executed) -> None:
    """It is executed, and then again, as any module that is reloaded."""
    counted = _import("counted")
    assert importlib.reload(counted) is counted
    assert samples() == ["counted", "counted"]


def test_names_of_a_package(deferral: Deferral) -> None:
    """What ``from package import name`` gives, and what a package has of its own."""
    counted = _import("counted")
    assert deferral.is_submodule(counted, "part")
    assert not deferral.is_submodule(counted, "answer")
    assert not deferral.is_submodule(counted, "nothing")
    assert deferral.is_bound(counted, "answer") and not deferral.is_bound(counted, "part")
    assert deferral.has_own(counted, "part") and deferral.has_own(counted, "answer")
    assert not deferral.has_own(counted, "__wrapped__")


def test_code_that_cannot_be_read_is_asked_nothing(deferral: Deferral, monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe in a fake file system is answered, and breaks nothing."""
    counted = _import("counted")

    def refuse(*_: object) -> None:
        raise OSError("no such file")

    monkeypatch.setattr(type(counted.__loader__), "get_code", refuse)
    assert not hasattr(counted, "__wrapped__")


def test_an_outer_session_defers_for_an_inner_one(deferral: Deferral, samples: Executed) -> None:
    """And its modules stay when the inner one ends."""
    counted = _import("counted")
    inner = Deferral()
    with install_deferral(inner, None, Keeper()):
        inner.defer(["counted", "plain"])
        assert (inner.defers("counted"), inner.defers("plain")) == (False, True)
    assert sys.modules["counted"] is counted
    assert counted.answer == 42
    assert samples() == ["counted"]


def test_the_end(samples: Executed) -> None:
    """What was never used is taken out; who holds it gets what everybody has then."""
    deferral = Deferral()
    with install_deferral(deferral, None, Keeper()):
        deferral.defer(["counted"])
        held = _import("counted")
    assert "counted" not in sys.modules
    assert deferral not in sys.meta_path
    assert held.answer == 42
    assert not is_deferred(sys.modules["counted"])
    assert samples() == ["counted"]


def test_load(deferral: Deferral, samples: Executed) -> None:
    """Executes a deferred module, and leaves everything else as it is."""
    counted = _import("counted")
    assert load(counted) is counted
    assert samples() == ["counted"]
    for other in (counted, sys, None, "counted"):
        assert load(other) is other


def test_its_type_is_derived_from_as_that_of_any_module() -> None:
    """Nothing is known of modules that somebody else makes."""

    class Derived(DeferredModule):
        pass

    assert Derived.__bases__ == (ModuleType,)
    assert Derived("derived").__name__ == "derived"
