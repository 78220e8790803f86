"""What real modules have, and what is remembered of it."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports.imports.install import put_first
from pytest_heavyimports.stubs.module import StandIn, StandInFinder
from pytest_heavyimports.stubs.surface import RealNames, look_at


@pytest.fixture
def names() -> RealNames:
    """Those of a module of the standard library, by way of JSON."""
    seen = look_at("json")
    assert seen is not None
    again = RealNames.from_json(json.loads(json.dumps(seen.as_json())))
    assert again is not None
    return again


def test_names_have_kinds(names: RealNames) -> None:
    """Of the package and of its submodules, those on the disk too."""
    assert names.kind("json", "loads") == "function"
    assert names.kind("json", "JSONDecoder") == "class"
    assert names.kind("json", "JSONDecodeError") == "ValueError"
    assert names.kind("json", "decoder") == names.kind("json", "tool") == "module"
    assert names.kind("json.decoder", "FLAGS") == "value"
    assert names.kind("json", "missing") == names.kind("xml", "dom") == ""


def test_signatures(names: RealNames) -> None:
    """Of functions and classes of the package's own, without annotations and the values of defaults."""
    assert str(names.signature("json", "load")).startswith("(fp, *, cls=..., object_hook=..., ")
    assert str(names.signature("json.decoder", "JSONObject")).startswith("(s_and_end, strict, scan_once, ")
    assert names.signature("json", "JSONDecodeError") is None
    assert names.signature("json.decoder", "scanstring") is names.signature("json", "codecs") is None


class Both:
    """Which of its two methods has the last word depends on the version of Python."""

    def __new__(cls, *functions: object) -> Any:
        return functions or super().__new__(cls)

    def __init__(self) -> None:
        pass


class Called(type):
    """Takes what classes don't."""

    def __call__(cls, *args: object) -> object:
        return args


class Waking:
    """Loads itself when it is asked for anything."""

    def __getattr__(self, name: str) -> object:
        pytest.fail(name)

    def __call__(self) -> None: ...


def both_kinds(a: int, /, b: int, *args: int, c: int, d: int = 0, **kwargs: int) -> None: ...


def nothing() -> None: ...


def only_by_keyword(*, c: int) -> None: ...


def test_signatures_of_all_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come back from the cache as they were; where one can't be sure, there is none."""
    lib = importlib.import_module(__name__)
    monkeypatch.setattr(lib, "waking", Waking(), raising=False)
    monkeypatch.setattr(lib, "made", Called("made", (), {"__module__": __name__}), raising=False)
    seen = look_at(__name__)
    assert seen is not None
    again = RealNames.from_json(json.loads(json.dumps(seen.as_json())))
    assert again is not None
    for found in (seen, again):
        assert str(found.signature(__name__, "both_kinds")) == "(a, /, b, *args, c, d=..., **kwargs)"
        assert str(found.signature(__name__, "only_by_keyword")) == "(*, c)"
        assert str(found.signature(__name__, "nothing")) == "()"
        for name in ("Both", "made", "waking", "pytest", "SAMPLE", "missing"):
            assert found.signature(__name__, name) is None
    assert (seen.kind(__name__, "waking"), seen.kind(__name__, "SAMPLE")) == ("callable", "value")


SAMPLE = 3


def test_modules_that_were_seen_are_not_looked_at_again(names: RealNames, monkeypatch: pytest.MonkeyPatch) -> None:
    """But those that came later, or in the place of another one, are."""
    before = look_at("json")
    monkeypatch.setattr(json, "added", 3, raising=False)
    seen = look_at("json", before)
    again = look_at("json", names)  # from a cache: nothing has been seen in this process
    assert seen is not None
    assert again is not None
    assert (seen.kind("json", "added"), again.kind("json", "added")) == ("", "value")


def test_signatures_that_cant_be_read_are_none() -> None:
    """The names are known all the same."""
    names = RealNames.from_json({"version": "1", "modules": {"lib": {"function": "load"}}, "signatures": ["load"]})
    assert names is not None
    assert names.kind("lib", "load") == "function"
    assert names.signature("lib", "load") is None


@pytest.mark.parametrize("text", ["(a, b=..., a)", "(1)", "(**a, b)"])
def test_a_signature_that_cant_be_read_is_none(text: str) -> None:
    """A cache may have been written by anybody."""
    assert RealNames("1", {}, {"lib": {text: "load"}}).signature("lib", "load") is None


def test_what_is_lacking(names: RealNames) -> None:
    """Private names are nobody's business, and so are modules that were not imported."""
    assert names.lacks("json", "lods")
    assert not names.lacks("json", "loads")
    assert not names.lacks("json", "_private")
    assert not names.lacks("json.unknown", "lods")


def test_an_open_module_lacks_what_looks_like_a_mistake() -> None:
    """A ``__getattr__`` may know more."""
    names = RealNames("1", {"lib": {"open": "", "function": "load"}})
    assert names.lacks("lib", "laod")
    assert not names.lacks("lib", "something")


def test_a_module_that_is_absent_or_fake_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the real one counts."""
    assert look_at("no_such_module") is None
    monkeypatch.setitem(sys.modules, "faked", ModuleType("faked"))
    assert look_at("faked") is None
    with put_first(StandInFinder(StandIn("stood_in_for", ""))):
        monkeypatch.setitem(sys.modules, "stood_in_for", importlib.import_module("stood_in_for"))
    assert look_at("stood_in_for") is None


def test_a_module_that_was_put_off_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no names yet, and is not to be woken."""

    class Deferred(ModuleType):
        is_deferred = True

    module = importlib.util.module_from_spec(json.__spec__)
    monkeypatch.setitem(sys.modules, "json", module)
    assert look_at("json") is not None
    module.__class__ = Deferred
    assert look_at("json") is None


def test_versions_are_kept_apart(names: RealNames) -> None:
    """Modules that were seen in two runs add up, where they are of one version."""
    first = RealNames("1", {"lib": {"class": "A"}})
    second = RealNames("1", {"lib.part": {"class": "B"}})
    other = RealNames("2", {"lib.old": {"class": "C"}})
    both = second.merged(first)
    assert both.kind("lib", "A") == both.kind("lib.part", "B") == "class"
    assert both.covers(first)
    assert not first.covers(both)
    assert not second.merged(other).names("lib.old")
    assert not other.covers(first)


@pytest.mark.parametrize("found", [None, [], {}, {"modules": 3}, "text"])
def test_what_cant_be_read_is_nothing(found: object) -> None:
    """A cache may have been written by anybody."""
    assert RealNames.from_json(found) is None
