"""
How modules were displaced: the statement, found in the source of whoever did it.

Nothing is watched for it. Only when something was displaced is the source of its owner read, and that of the functions
of the project which it calls. A statement is named only where no other one in there could have done it.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from io import FileIO
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..facts.places import STDLIB

if TYPE_CHECKING:
    from types import CodeType

_COPIES = ("dict", "set", "frozenset", "list", "tuple", "copy")
_INNER_RUNS = ("runpytest", "runpytest_inprocess", "inline_run", "inline_runsource", "inline_genitems")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WIDEST = 80
_DEEPEST = 10

NEWCOMERS = frozenset({"patch.dict", "snapshot", "pytester"})
"""Kinds that take out what was first imported meanwhile, and nothing else."""
FAKING = frozenset({"put", "patch.dict", "monkeypatch"})


class Doer(NamedTuple):
    """Whose source is looked at."""

    function: Any = None
    """That of a test or a fixture; ``None`` for a file."""
    files: tuple[str, ...] = ()
    """Where there is no function: files that were executed."""
    arguments: Mapping[str, Any] = {}
    """What a test was given by its fixtures, functions among them; its class as ``self``."""
    phase: str = ""
    """setup or teardown: of a fixture with a ``yield``, what comes before or after it."""


class How(NamedTuple):
    """What somebody did."""

    kind: str
    """del, clear, purge, patch.dict, snapshot, monkeypatch, pytester, put, or undo for what is not undone."""
    file: str = ""
    """Empty where several statements could have done it."""
    line: int = 0
    text: str = ""
    """The first line of the statement."""


class Statement(NamedTuple):
    """One that takes modules out of ``sys.modules``, or puts something in."""

    kind: str
    file: str
    line: int
    text: str
    keys: frozenset[str] | None
    """The modules that it names; ``None`` where they are computed."""
    is_undone: bool = False
    """Whether it is sure to be undone: by a ``with`` statement, a decorator, or the fixture ``monkeypatch``."""


def find_how(
    doer: Doer, fullname: str, *, is_fake: bool = False, is_new: bool = True, is_over: bool = True
) -> How | None:
    """
    The statement that has displaced a module.

    Args:
        doer: Who did it.
        fullname: The module.
        is_fake: Whether something was put in its place.
        is_new: Whether its first import may have happened while the doer was at it.
        is_over: Whether the doer has ended, so that what it undoes is undone.

    Returns:
        What could have done it. ``None`` where nothing is found, or things of several kinds.
    """
    found = [each for each in statements(doer) if (each.kind in FAKING if is_fake else each.kind != "put")]
    found = [
        each for each in found if each.keys is None or fullname in each.keys or (each.kind in NEWCOMERS and not is_fake)
    ]
    lasting = [each for each in found if not (is_over and each.is_undone)]
    groups = [
        [each for each in lasting if each.keys and each.kind not in NEWCOMERS],
        [each for each in found if is_new and not is_fake and each.kind in NEWCOMERS],
        [each for each in lasting if each.kind not in NEWCOMERS or is_fake or not is_over],
    ]
    best = next(filter(None, groups), [])
    kinds = {each.kind for each in best}
    if len(kinds) != 1:
        return None
    kind = "undo" if is_over and (is_fake or not is_new) and kinds <= {"patch.dict", "monkeypatch"} else kinds.pop()
    if len({(each.file, each.line) for each in best}) > 1:
        return How(kind)
    return How(kind, best[0].file, best[0].line, best[0].text)


def statements(doer: Doer) -> list[Statement]:
    """Everything in the source of the doer, and of what it calls, that changes ``sys.modules``."""
    search = _Search()
    if doer.function is not None:
        search.look_into(doer.function, doer.arguments, doer.phase)
    for file in doer.files:
        search.look_into_file(file)
    return search.found


def definition(function: Any) -> tuple[str, int] | None:
    """Where a function of the project begins; of one that pytest makes around ``setup_method``, that one."""
    function = _innermost(function)
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    if _is_own(code.co_filename):
        return code.co_filename, code.co_firstlineno
    return next(filter(None, map(definition, filter(_is_callable, _closure(function)))), None)


class _Search:
    """Walks from function to function, each once."""

    def __init__(self) -> None:
        self.found: list[Statement] = []
        self._seen: set[CodeType] = set()

    def look_into(self, function: Any, arguments: Mapping[str, Any] | None = None, phase: str = "") -> None:
        """Into a function and those that it calls."""
        function = _innermost(function)
        code = getattr(function, "__code__", None)
        if code is None or code in self._seen:
            return
        self._seen.add(code)
        closure = dict(zip(code.co_freevars, _closure(function)))
        if not _is_own(code.co_filename):  # pytest's own, around setup_method and its like; a decorator's
            for value in closure.values():
                if _is_callable(value):
                    self.look_into(value, phase=phase)
            return
        tree, lines = _parsed(code.co_filename)
        node = next((each for each in ast.walk(tree) if _is_code_of(each, code)), None)
        if node is None:
            return
        part = _part(node, phase)
        self._look(_Scope(node, code.co_filename, lines, part))
        for owner in ast.walk(tree):
            if isinstance(owner, ast.ClassDef) and node in owner.body:  # patch.dict on a TestCase
                for decorator in owner.decorator_list:
                    self._look(_Scope(decorator, code.co_filename, lines, is_decorator=True))
        self._follow(node, {**function.__globals__, **closure, **(arguments or {})}, part)
        for name in ("setUp", "tearDown"):  # of unittest, which calls them
            self.look_into(_attribute((arguments or {}).get("self"), name))

    def look_into_file(self, file: str) -> None:
        """Into the statements of a file outside of its functions, and into the functions that they call."""
        tree, lines = _parsed(file)
        own = {each.name: each for each in tree.body if isinstance(each, _FUNCTIONS)}
        pending: list[ast.AST] = [each for each in tree.body if not isinstance(each, _FUNCTIONS)]
        while pending:
            node = pending.pop()
            self._look(_Scope(node, file, lines, of_file=tree))
            for called in ast.walk(node):
                if isinstance(called, ast.Call) and isinstance(called.func, ast.Name) and called.func.id in own:
                    pending.append(own.pop(called.func.id))

    def _look(self, scope: _Scope) -> None:
        self.found += scope.statements()

    def _follow(self, node: ast.AST, namespace: Mapping[str, Any], part: Callable[[int], bool]) -> None:
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and part(call.lineno):
                called = _called(call.func, namespace)
                if _is_callable(called) and _is_own(_innermost(called).__code__.co_filename):
                    self.look_into(called)


class _Scope:
    """The statements of one function, or of one part of a file."""

    def __init__(
        self,
        node: ast.AST,
        file: str,
        lines: list[str],
        part: Callable[[int], bool] = lambda _: True,
        *,
        of_file: ast.Module | None = None,
        is_decorator: bool = False,
    ) -> None:
        self._node = node
        self._file = file
        self._lines = lines
        self._part = part
        self._is_decorator = is_decorator
        around = list(ast.walk(of_file or node))
        self._is_loop = any(_is_over_modules(each) for each in around)
        self._is_snapshot = _keeps_snapshot(around)
        arguments = getattr(node, "args", None)
        names = arguments.args + arguments.kwonlyargs if isinstance(arguments, ast.arguments) else []
        self._arguments = {each.arg for each in names}
        blocks = [each for each in around if isinstance(each, (ast.With, ast.AsyncWith))]
        entered = [item.context_expr for each in blocks for item in each.items]
        self._undone = {id(each) for each in (*entered, *getattr(node, "decorator_list", ()))}

    def statements(self) -> Iterator[Statement]:
        """Those that displace modules."""
        for node in ast.walk(self._node):
            if isinstance(node, ast.Delete):
                for target in node.targets:
                    if isinstance(target, ast.Subscript) and is_sys_modules(target.value):
                        yield from self._removal(node, target.slice)
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Subscript) and is_sys_modules(target.value):
                        yield from self._made("put", node, _keys(target.slice))
            elif isinstance(node, ast.Call):
                yield from self._of_call(node)

    def _of_call(self, node: ast.Call) -> Iterator[Statement]:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else ""
        first = node.args[0] if node.args else None
        second = node.args[1] if len(node.args) > 1 else None
        if isinstance(function, ast.Attribute) and is_sys_modules(function.value):
            if name in ("pop", "__delitem__"):
                yield from self._removal(node, first)
            elif name in ("clear", "popitem"):
                yield from self._made("snapshot" if self._is_snapshot else "clear", node, None)
            elif name in ("setdefault", "__setitem__"):
                yield from self._made("put", node, _keys(first))
            elif name == "update" and isinstance(first, ast.Dict):
                yield from self._made("put", node, _dict_keys(first))
        elif first is not None and is_sys_modules(first):
            if ast.unparse(function).endswith("patch.dict"):
                given = next((each.value for each in node.keywords if each.arg == "values"), second)
                keys = _dict_keys(given) if isinstance(given, ast.Dict) else None
                is_undone = self._is_decorator or id(node) in self._undone or "mocker" in ast.unparse(function)
                yield from self._made("patch.dict", node, keys or None, is_undone=is_undone)
            elif name in ("delitem", "setitem"):
                is_undone = isinstance(function, ast.Attribute) and _is_in(function.value, self._arguments)
                yield from self._made("monkeypatch", node, _keys(second), is_undone=is_undone)
        elif name in _INNER_RUNS:
            yield from self._made("pytester", node, None)

    def _removal(self, node: ast.stmt | ast.expr, key: ast.expr | None) -> Iterator[Statement]:
        keys = _keys(key)
        kind = "del" if keys or not (self._is_loop or self._is_snapshot) else "purge"
        yield from self._made("snapshot" if self._is_snapshot and not keys else kind, node, keys)

    def _made(
        self, kind: str, node: ast.stmt | ast.expr, keys: frozenset[str] | None, *, is_undone: bool = False
    ) -> Iterator[Statement]:
        if kind in NEWCOMERS or self._part(node.lineno):
            text = self._lines[node.lineno - 1].strip()
            text = text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."
            yield Statement(kind, self._file, node.lineno, text, keys, is_undone)


def is_sys_modules(node: ast.AST) -> bool:
    """Whether an expression is ``sys.modules``, or its name as ``patch.dict`` takes it."""
    if isinstance(node, ast.Constant):
        return node.value == "sys.modules"
    if not isinstance(node, ast.Attribute) or node.attr != "modules":
        return False
    return isinstance(node.value, ast.Name) and node.value.id in ("sys", "_sys")


def _is_over_modules(node: ast.AST) -> bool:
    """Whether it is a loop over the names in ``sys.modules``."""
    return isinstance(node, (ast.For, ast.comprehension)) and any(map(is_sys_modules, ast.walk(node.iter)))


def _keeps_snapshot(nodes: Iterable[ast.AST]) -> bool:
    """Whether ``sys.modules`` is copied, and compared with the copy or filled from it later."""
    nodes = list(nodes)
    copies = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and _is_copy(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes if copies else ():
        if isinstance(node, ast.Compare) and any(_is_in(each, copies) for each in node.comparators):
            return True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and _is_in(node.right, copies):
            return True
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if is_sys_modules(node.func.value) and any(_is_in(each, copies) for each in node.args):
            return True
    return False


def _is_copy(value: ast.expr) -> bool:
    if isinstance(value, ast.Dict):
        return None in value.keys and any(map(is_sys_modules, value.values))
    if not isinstance(value, ast.Call):
        return False
    name = getattr(value.func, "attr", getattr(value.func, "id", ""))
    return name in _COPIES and any(map(is_sys_modules, ast.walk(value)))


def _is_in(node: ast.AST, names: Collection[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _keys(key: ast.expr | None) -> frozenset[str] | None:
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return frozenset({key.value})
    return None


def _dict_keys(given: ast.Dict) -> frozenset[str] | None:
    keys = [_keys(key) for key in given.keys]
    return None if None in keys else frozenset(name for some in keys if some for name in some)


def _part(node: ast.AST, phase: str) -> Callable[[int], bool]:
    """Whether a line of a fixture is a part of its setup, or of its teardown."""
    yields = [each.lineno for each in ast.walk(node) if isinstance(each, (ast.Yield, ast.YieldFrom))]
    if not yields or not phase:
        return lambda _: True
    first = min(yields)
    return lambda line: (line > first) is (phase == "teardown")


def _is_code_of(node: ast.AST, code: CodeType) -> bool:
    if not isinstance(node, _FUNCTIONS) or node.name != code.co_name:
        return False
    return code.co_firstlineno in (node.lineno, *(each.lineno for each in node.decorator_list[:1]))


def _called(function: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """What is called, where that is a name, or an attribute of a module, of a class or of ``self``."""
    if isinstance(function, ast.Name):
        return namespace.get(function.id)
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return _attribute(namespace.get(function.value.id), function.attr)
    return None


def _attribute(owner: Any, name: str) -> Any:
    if isinstance(owner, type):
        return next((vars(each)[name] for each in owner.__mro__ if name in vars(each)), None)
    return vars(owner).get(name) if isinstance(owner, ModuleType) else None


def _innermost(function: Any) -> Any:
    """The function as its author wrote it: without decorators, and without what it is bound to."""
    for _ in range(_DEEPEST):
        inner = (
            getattr(function, "__func__", getattr(function, "__wrapped__", None)) if _is_callable(function) else None
        )
        if inner is None:
            break
        function = inner
    return function


def _is_callable(value: Any) -> bool:
    """Whether it is a function or a method. Nothing else is asked for an attribute: a fake has them all."""
    return type(value).__name__ in ("function", "method", "staticmethod", "classmethod")


def _closure(function: Any) -> list[Any]:
    """What a function has of the ones that it was defined in, in the order of their names."""
    contents = []
    for cell in function.__closure__ or ():
        try:
            contents.append(cell.cell_contents)
        except ValueError:  # empty
            contents.append(None)
    return contents


def _is_own(file: str) -> bool:
    return not ("site-packages" in file or "dist-packages" in file or file.startswith((STDLIB, "<")))


def _parsed(file: str) -> tuple[ast.Module, list[str]]:
    """A file's source; nothing where there is none that can be read."""
    try:
        return _parse(file, os.stat(file).st_mtime_ns)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ast.Module([], []), []


@lru_cache(maxsize=32)
def _parse(file: str, _changed_ns: int) -> tuple[ast.Module, list[str]]:
    with FileIO(file) as source:  # not open(): a test may have replaced it
        text = source.readall()
    return ast.parse(text), text.decode("utf-8", "replace").splitlines()
