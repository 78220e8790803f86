"""Lazy imports of the language, from Python 3.15 on. Source is text here, since older Pythons can't read ``lazy``."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_heavyimports.defer.deferral import Deferral
from pytest_heavyimports.defer.hooks import install_deferral
from pytest_heavyimports.defer.lazy_names import is_offered, put_off_names
from pytest_heavyimports.facts.lazy import LAZY, target_of
from pytest_heavyimports.imports.keeper import Keeper

python: Any = sys
needs_lazy = pytest.mark.skipif(sys.version_info < (3, 15), reason="Python has no lazy imports")
NAMES = ("first_lazily", "second_lazily", "third_lazily")


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules that can be imported, and are gone after the test; so is what was changed of Python."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("answer = 42\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in NAMES:
        sys.modules.pop(name, None)
    if is_offered():
        assert (python.get_lazy_imports(), python.get_lazy_imports_filter()) == ("normal", None)


def execute(source: str, **namespace: Any) -> dict[str, Any]:
    """The namespace of a module with this source."""
    namespace = {"__name__": "app", **namespace}
    exec(compile(textwrap.dedent(source), "app.py", "exec"), namespace)
    return namespace


def lazy_in(namespace: dict[str, Any]) -> dict[str, str]:
    """The names that are not resolved, with what they stand for."""
    return {name: target_of(value) for name, value in namespace.items() if isinstance(value, LAZY)}


def with_filter(is_put_off: Callable[[str, str, Sequence[str]], bool], source: str) -> dict[str, str]:
    """What is lazy in a module with this source, which is executed while some names are put off."""
    put_back = put_off_names(is_put_off)
    try:
        return lazy_in(execute(source))
    finally:
        put_back()


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="Python has lazy imports")
def test_where_python_has_none() -> None:
    assert not is_offered()
    assert not isinstance(sys, LAZY)


@needs_lazy
def test_what_a_lazy_name_stands_for() -> None:
    found = lazy_in(
        execute("lazy import first_lazily as a\nlazy from second_lazily import answer\nlazy import xml.dom.minidom\n")
    )
    assert found == {"a": "first_lazily", "answer": "second_lazily.answer", "xml": "xml.dom.minidom"}


@needs_lazy
def test_names_are_put_off_and_modules_are_not() -> None:
    """The filter is told who imports what."""
    asked = []

    def is_put_off(*question: Any) -> bool:
        asked.append(question)
        return True

    source = "from first_lazily import answer\nimport second_lazily\n"
    assert with_filter(is_put_off, source) == {"answer": "first_lazily.answer"}
    assert asked == [("app", "first_lazily", ("answer",))]


@needs_lazy
def test_what_is_written_as_lazy_stays_so() -> None:
    """By the word, and by ``__lazy_modules__``, also with so many names that its code has long arguments."""
    many = "".join(f"name{number} = {number}\n" for number in range(300))
    source = f"""
{many}
__lazy_modules__ = ["second_lazily"]
lazy from first_lazily import answer as first
from second_lazily import answer as second
from third_lazily import answer as third
"""
    assert with_filter(lambda *_: False, source) == {"first": "first_lazily.answer", "second": "second_lazily.answer"}


@needs_lazy
def test_an_import_in_a_with_statement_is_done_there() -> None:
    """Unless it is written as lazy; after the statement all is as before it."""
    source = """
        import contextlib
        with contextlib.suppress(ImportError):
            from first_lazily import answer as first
            lazy from second_lazily import answer as second
        from third_lazily import answer as third
        """
    assert with_filter(lambda *_: True, source) == {"second": "second_lazily.answer", "third": "third_lazily.answer"}


@needs_lazy
@pytest.mark.parametrize("mode", ["normal", "all"])
def test_what_was_lazy_before(mode: str) -> None:
    """Whoever filtered before has the say of what is lazy without us; after it all is as it was."""

    def outer(importer: str, imported: str, names: object) -> bool:
        return imported != "first_lazily"

    python.set_lazy_imports(mode)
    python.set_lazy_imports_filter(outer)
    source = """
        lazy from first_lazily import answer as first
        lazy from second_lazily import answer as second
        import third_lazily as third
        """
    try:
        third = {"third": "third_lazily"} if mode == "all" else {}
        assert with_filter(lambda *_: False, source) == {"second": "second_lazily.answer", **third}
        assert (python.get_lazy_imports(), python.get_lazy_imports_filter()) == (mode, outer)
    finally:
        python.set_lazy_imports("normal")
        python.set_lazy_imports_filter(None)


@needs_lazy
def test_only_declared_packages_are_put_off() -> None:
    """And of those only names that are no parts, while they are not loaded, and not among their own modules."""
    deferral = Deferral()
    with install_deferral(deferral, None, Keeper()):
        deferral.defer(["first_lazily", "numpy", "pytest"])
        assert deferral.puts_off_names("app", "first_lazily", ("answer",))
        assert deferral.puts_off_names("app", "numpy", ("ones", "zeros")) is ("numpy" not in sys.modules)
        assert not deferral.puts_off_names("app", "numpy", ("ones", "linalg"))
        assert not deferral.puts_off_names("first_lazily.part", "first_lazily", ("answer",))
        assert not deferral.puts_off_names("app", "first_lazilys", ("answer",))
        assert not deferral.puts_off_names("app", "pytest", ("Item",))
        assert lazy_in(execute("from first_lazily import answer")) == {"answer": "first_lazily.answer"}
