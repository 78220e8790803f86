"""Errors and warnings: their texts, and their way through other processes."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterator

import pytest

import pytest_heavyimports
from pytest_heavyimports import (
    HarmfulImport,
    HeavyImportsError,
    HeavyImportWarning,
    HeavyModuleMissing,
    InvalidDeclaration,
    MessageRefused,
    NoWarmProcess,
    ReloadRefused,
)
from pytest_heavyimports.errors import reload_ignored


def _subclasses(base: type[HeavyImportsError]) -> Iterator[type[HeavyImportsError]]:
    for subclass in base.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


SUBCLASSES = sorted(_subclasses(HeavyImportsError), key=lambda subclass: subclass.__name__)


def _example(error_type: type[HeavyImportsError]) -> HeavyImportsError:
    """An instance with a different text in each of its fields."""
    parameters = inspect.signature(error_type).parameters.values()
    positional = [f"<{p.name}>" for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    keyword = {p.name: f"<{p.name}>" for p in parameters if p.kind is p.KEYWORD_ONLY}
    return error_type(*positional, **keyword)


def test_subclasses_are_found() -> None:
    """The tables below are about all errors, so none may be missing."""
    assert {InvalidDeclaration, HeavyModuleMissing, ReloadRefused} <= set(SUBCLASSES)


@pytest.mark.parametrize("error_type", SUBCLASSES)
def test_errors_can_be_pickled(error_type: type[HeavyImportsError]) -> None:
    """An error comes out of another process with its type, arguments, fields and text."""
    error = _example(error_type)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is error_type
    assert copy.args == error.args
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


@pytest.mark.parametrize("error_type", SUBCLASSES)
def test_everything_but_the_positional_arguments_has_a_default(error_type: type[HeavyImportsError]) -> None:
    """An error can be made from its args alone, which is what pickling does."""
    parameters = inspect.signature(error_type).parameters.values()
    required = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    assert all(p.kind is p.POSITIONAL_OR_KEYWORD for p in required)
    error = error_type(*(f"<{p.name}>" for p in required))
    assert error.args == tuple(f"<{p.name}>" for p in required)
    assert isinstance(str(error), str)


@pytest.mark.parametrize("error_type", SUBCLASSES)
def test_errors_are_runtime_errors_and_no_import_errors(error_type: type[HeavyImportsError]) -> None:
    """``try: import torch / except ImportError:`` in the code under test doesn't swallow them."""
    assert issubclass(error_type, RuntimeError)
    assert not issubclass(error_type, ImportError)


def test_each_error_has_a_slug_of_its_own() -> None:
    """The slug is the anchor of the error's page, so no two share one."""
    slugs = [error.slug for error in (HeavyImportsError, *SUBCLASSES)] + [HeavyImportWarning.slug]
    assert len(set(slugs)) == len(slugs)


@pytest.mark.parametrize("name", pytest_heavyimports.__all__)
def test_public_names_are_shown_as_they_are_imported(name: str) -> None:
    """A traceback and ``-W error::`` name the class by the module that users import it from."""
    exported = getattr(pytest_heavyimports, name)
    assert f"{exported.__module__}.{exported.__qualname__}" == f"pytest_heavyimports.{name}"


def test_the_warning_is_a_user_warning() -> None:
    """The guard's warning is shown by default, also where it is raised in a library."""
    assert issubclass(HeavyImportWarning, UserWarning)


def test_invalid_declaration_says_fault_and_remedy() -> None:
    """The text quotes the line, names the fault and ends with what to type."""
    error = InvalidDeclaration("torch >> 2", fault="'>> 2' is no version specifier", remedy="Write it as 'torch >= 2'.")
    assert str(error) == "'torch >> 2' can't be read: '>> 2' is no version specifier. Write it as 'torch >= 2'."


def test_missing_module_names_its_declaration() -> None:
    """Where the module is declared, the text says where."""
    fault = "could not import 'torch': No module named 'torch'"
    assert str(HeavyModuleMissing("torch", fault=fault)) == fault
    declared = HeavyModuleMissing("torch", fault=fault, declared="'torch' (pytest.ini, [pytest], line 1)")
    assert str(declared) == f"{fault}; declared as 'torch' (pytest.ini, [pytest], line 1)"


def test_refused_reload_tells_the_known_facts() -> None:
    """Who, then one fact a line, then what to type."""
    error = ReloadRefused(
        "torch.overrides",
        first="tests/test_a.py::test_one (setup of fixture 'torch')",
        again="tests/test_b.py:18, in tests/test_b.py::test_two (call)",
        why="it adds docstrings to C functions, once per process",
    )
    assert str(error) == (
        "'torch.overrides' was about to be reloaded, which would initialise it a second time in this process.\n"
        "  first:  tests/test_a.py::test_one (setup of fixture 'torch')\n"
        "  reload: tests/test_b.py:18, in tests/test_b.py::test_two (call)\n"
        "  why:    it adds docstrings to C functions, once per process\n"
        "To change a module for one test, use monkeypatch.setattr, which puts it back. To run its import again, do "
        "that in a\n"
        'process of its own: subprocess.run([sys.executable, "-c", ...]).'
    )


def test_unknown_facts_are_left_out() -> None:
    """Nothing is told that isn't known."""
    lines = str(ReloadRefused("torch", again="tests/test_b.py:18")).splitlines()
    assert lines[1:-2] == ["  reload: tests/test_b.py:18"]


def test_ignored_reload_is_a_warning_with_the_same_facts() -> None:
    """Where the guard gives the module back, the warning says so, and the rest is as in the refusal."""
    facts = {"first": "tests/test_a.py", "again": "tests/test_b.py:18", "why": "C state"}
    warning = reload_ignored("torch", **facts)
    assert type(warning) is HeavyImportWarning
    headline, *rest = str(warning).splitlines()
    assert headline == "'torch' was not reloaded: the module was given back as it is."
    assert rest == str(ReloadRefused("torch", **facts)).splitlines()[1:]


def test_the_errors_of_a_warm_process_say_what_happened() -> None:
    """In the log of the process, in its status, and in the line of a plain run."""
    assert str(MessageRefused("it is none of this version")) == "The message is refused: it is none of this version."
    assert str(NoWarmProcess("it has died")) == "it has died"
    assert str(HarmfulImport("torch", fault="its import starts a thread")) == (
        "'torch' is not imported before a run: its import starts a thread."
    )
