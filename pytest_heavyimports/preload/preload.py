"""
When the declared packages are imported before the tests: before the first conftest file is read, or after them all.

What must come first is known by its name in the conftest files that pytest reads at start-up, and in the modules of the
project that these import. What comes later all the same is told at the end.
"""

from __future__ import annotations

import ast
import glob
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from ..facts.distributions import is_installed_place, is_ours
from ..facts.names import root
from ..session import session_of

if TYPE_CHECKING:
    from ..session import HeavySession

FIRST = frozenset(
    (
        "gevent eventlet monkey_patch patch_all "  # they replace parts of the standard library
        "meta_path path_hooks install_import_hook typeguard jaxtyping beartype ddtrace pyximport "  # import hooks
        "putenv unsetenv setenv delenv load_dotenv"  # the environment, beside what is done to os.environ
    ).split()
)
"""A conftest file that has one of these names comes before the packages."""
READING = frozenset(("get", "items", "keys", "values", "copy"))
"""What may be asked of ``os.environ`` without changing it."""


class Preloading:
    """Imports what is declared and installed, once, when its time has come."""

    def __init__(self, session: HeavySession, config: pytest.Config) -> None:
        self._session = session
        self._config = config
        self._before: list[object] = []
        """The import hooks that were there first."""
        self._is_done = False

    def begin(self) -> None:
        """The first conftest file is about to be read."""
        files = () if self._config.known_args_namespace.noconftest else _start_conftests(self._config)
        if not any(comes_first(file, [file.parent, self._config.rootpath]) for file in files):
            self._import()

    def end(self) -> None:
        """All conftest files of the start have been read, and pytest is configured."""
        if not self._is_done:
            self._import()
        elif came := [_home(hook) for hook in _hooks() if not any(hook is other for other in self._before)]:
            names = ", ".join(self._session.installed_modules())
            told = f"the import hook of {', '.join(dict.fromkeys(came))} came after {names} had been preloaded"
            remedy = "leave out heavy_preload, or put it in by conftest.py"
            self._session.notes.append(f"{told}, and misses that: {remedy}")

    def _import(self) -> None:
        self._is_done = True
        self._before = _hooks()
        self._session.preload()


def begin_preload(config: pytest.Config) -> None:
    """To be called before the first conftest file is read, where something is to be preloaded."""
    preload = Preloading(session_of(config), config)
    config.pluginmanager.register(PreloadHooks(preload), "heavyimports-preload")
    preload.begin()


class PreloadHooks(Hooks):
    """Registered where something is preloaded."""

    def __init__(self, preload: Preloading) -> None:
        self._preload = preload

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:  # noqa: D102  # a hook
        self._preload.end()


def _hooks() -> list[object]:
    """The import hooks: what stands in front of Python's own finder, where it can change what is imported."""
    finders: list[object] = list(sys.meta_path)
    before = finders.index(PathFinder) if PathFinder in finders else len(finders)
    return [finder for finder in (*finders[:before], sys.path_hooks[0]) if not is_ours(finder)]


def _home(hook: object) -> str:
    return root(str(getattr(hook, "__module__", type(hook).__module__)))


def _start_conftests(config: pytest.Config) -> Iterator[Path]:
    """
    The conftest files that pytest reads at start-up.

    Reference: "conftest.py: local per-directory plugins" in pytest's documentation.
    """
    here, given = config.invocation_params.dir, config.known_args_namespace.file_or_dir
    paths = given or [path for pattern in config.getini("testpaths") for path in glob.iglob(pattern, recursive=True)]
    directories: dict[Path, None] = {}
    for path in paths or [""]:
        anchor = here / path.partition("::")[0]
        directories |= dict.fromkeys((anchor, *anchor.parents))
        directories |= dict.fromkeys(anchor.glob("test*"))
    for directory in directories:
        file = directory / "conftest.py"
        if directory.is_relative_to(config.rootpath) and file.is_file():
            yield file


def comes_first(file: Path, places: Iterable[Path]) -> bool:
    """
    Whether a conftest file, or a module of the project that it imports, has what must come before the packages.

    Of the conftest file all is looked at but fixtures, which are set up later; of a module what is executed with it.
    """
    tree = _parsed(file)
    places = [*places, *(Path(place) for place in sys.path if place and not is_installed_place(place))]
    modules = (_file_of(name, places) for name in _imported(tree))
    return _has_first(tree, _is_fixture) or any(_has_first(_parsed(each), _is_function) for each in modules if each)


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])  # whoever imports it says what is wrong


def _has_first(node: ast.AST, is_later: Callable[[ast.AST], bool]) -> bool:
    """Whether what is executed at start-up names something that must come first."""
    for child in ast.iter_child_nodes(node):
        if is_later(child):
            continue
        is_first = _names(child) & FIRST or (_is_environ(child) and not _only_reads(node))
        if is_first or _has_first(child, is_later):
            return True
    return False


def _names(node: ast.AST) -> set[str]:
    """The names that a node itself has."""
    names = [getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "module", "") or ""]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        names += [alias.name for alias in node.names]
    return {part for name in names for part in str(name).split(".")}


def _is_environ(node: ast.AST) -> bool:
    return "environ" in (getattr(node, "id", ""), getattr(node, "attr", ""))


def _only_reads(outer: ast.AST) -> bool:
    """Whether what is done to ``os.environ`` changes nothing."""
    if isinstance(outer, ast.Attribute):
        return outer.attr in READING
    is_read = isinstance(outer, ast.Subscript) and isinstance(outer.ctx, ast.Load)
    return is_read or isinstance(outer, ast.Compare)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def _is_fixture(node: ast.AST) -> bool:
    decorators = getattr(node, "decorator_list", []) if _is_function(node) else []
    return any("fixture" in _names(each) for decorator in decorators for each in ast.walk(decorator))


def _imported(tree: ast.Module) -> Iterator[str]:
    """What a file imports, without what lies in Python or is relative to a package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def _file_of(fullname: str, places: Iterable[Path]) -> Path | None:
    """The file of a module of the project."""
    if root(fullname) in sys.stdlib_module_names:
        return None
    for place in places:
        path = place.joinpath(*fullname.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None
