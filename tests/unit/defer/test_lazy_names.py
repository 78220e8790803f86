"""Lazy imports of Python 3.15, by a fake of its functions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from pytest_heavyimports.defer.deferral import Deferral
from pytest_heavyimports.defer.hooks import install_deferral
from pytest_heavyimports.defer.lazy_names import is_offered, put_off_names
from pytest_heavyimports.imports.keeper import Keeper

Filter = Callable[[Any, str, Any], bool]


class Python:
    """What ``sys`` has from Python 3.15 on."""

    def __init__(self) -> None:
        self.mode = "normal"
        self.filter: Filter | None = None

    def get_lazy_imports(self) -> str:
        return self.mode

    def set_lazy_imports(self, mode: str) -> None:
        assert mode in ("normal", "all")
        self.mode = mode

    def get_lazy_imports_filter(self) -> Filter | None:
        return self.filter

    def set_lazy_imports_filter(self, function: Filter | None) -> None:
        self.filter = function

    def asks(self, importer: str | None, imported: str, names: tuple[str, ...] | None) -> bool:
        """What the filter says of an import."""
        assert self.filter is not None
        return self.filter(importer, imported, names)


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> Python:
    """The fake, in place."""
    fake = Python()
    for name in ("get_lazy_imports", "set_lazy_imports", "get_lazy_imports_filter", "set_lazy_imports_filter"):
        monkeypatch.setattr(sys, name, getattr(fake, name), raising=False)
    return fake


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="Python has lazy imports")
def test_where_python_has_none() -> None:
    assert not is_offered()


def test_only_declared_packages_are_put_off(python: Python) -> None:
    """And of those only names, while they are not loaded, and not among their own modules."""
    deferral = Deferral()
    with install_deferral(deferral, None, Keeper()):
        deferral.defer(["absentpkg", "pytest"])
        assert python.mode == "all"
        assert python.asks("app.core", "absentpkg", ("Name",))
        assert python.asks("app.core", "absentpkg.part", ("Name",))
        assert python.asks(None, "absentpkg", ("Name",))
        assert not python.asks("app.core", "absentpkg", None)
        assert not python.asks("absentpkg.part", "absentpkg", ("Name",))
        assert not python.asks("app.core", "absentpkgs", ("Name",))
        assert not python.asks("app.core", "pytest", ("Name",))
    assert (python.mode, python.filter) == ("normal", None)


@pytest.mark.parametrize("mode", ["normal", "all"])
def test_what_was_lazy_before(python: Python, mode: str) -> None:
    """With everything lazy, whoever filtered before has the say of the rest; after it all is as it was."""

    def outer(importer: str, imported: str, names: object) -> bool:
        return imported == "outer"

    python.mode, python.filter = mode, outer
    put_back = put_off_names(lambda *names: names == ("app", "ours"))
    assert python.asks("app", "ours", ("name",))
    assert not python.asks("app", "neither", ("name",))
    assert python.asks("app", "outer", ("name",)) is (mode == "all")
    put_back()
    assert (python.mode, python.filter) == (mode, outer)


def test_everything_lazy_and_no_filter(python: Python) -> None:
    """Then all of it stays lazy."""
    python.mode = "all"
    put_off_names(lambda *_: False)
    assert python.asks("app", "other", None)
