"""Whatever a file looks like: what is written can be read, and no test is lost or added."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_heavyimports.scan.examine import Asked, Standard, examine, read
from pytest_heavyimports.scan.rewrite import Placing, hoist, import_numbers, to_parameters
from pytest_heavyimports.scan.safety import Safety, is_barrier
from pytest_heavyimports.scan.source import Naming, Source
from pytest_heavyimports.scan.split import Parting

from .checks import HEAVINESS

STANDARD = Standard(HEAVINESS, Naming())

IMPORTS = st.sampled_from(
    [
        "import torch",
        "import torch.nn as nn",
        "import os, torch",
        "from torch import (\n{0}    Tensor,  # a comment\n{0}    nn,\n{0})",
        "from app.worker import run",
        "from app.worker import run as go  # noqa",
        "from app import model, schemas",
        "import json",
        "from .helpers import helper",
        "# about torch\n{0}import torch",
    ]
)
STATEMENTS = st.sampled_from(
    [
        "x = 1",
        "assert torch.ones(1)",
        "assert nn and run",
        "x = '''text\nimport torch\n'''",
        "if x:\n{0}    import torch",
        "try:\n{0}    import torch\n{0}except ImportError:\n{0}    torch = None",
        "with open(x) as file: import torch",
        "def inner():\n{0}    import torch",
        "lambda: torch",
        "",
        "# a comment",
        "x = 1; import torch",
    ]
)
HEADS = st.sampled_from(
    [
        "def test_{1}():",
        "def test_{1}(tmp_path, *, torch=None):",
        "async def test_{1}():",
        "@pytest.mark.parametrize('x', [1])\n{0}def test_{1}(x):",
        "@pytest.fixture\n{0}def fixture_{1}():",
        "def helper_{1}(x, /, y=1):",
        "def test_{1}(fixture_0):",
    ]
)


@st.composite
def functions(draw: st.DrawFn, indent: str, number: int) -> str:
    """A function with imports among its statements."""
    inner = f"{indent}    "
    docstring = draw(st.sampled_from(["", f'{inner}"""Doc."""\n']))
    body = draw(st.lists(IMPORTS | STATEMENTS, min_size=1, max_size=5))
    lines = "\n".join(f"{inner}{line.format(inner)}" if line else "" for line in body)
    head = draw(HEADS).format(indent, number)
    if indent:
        head = head.replace("(", "(self, ", 1) if head.startswith(("def", "async")) else head
    return f"{indent}{head}\n{docstring}{lines}\n{inner}pass\n"


@st.composite
def files(draw: st.DrawFn) -> str:
    """A test file."""
    head = draw(
        st.sampled_from(["", '"""Doc."""\n', "# Licence\n", "from __future__ import annotations\n", "import pytest\n"])
    )
    top = draw(
        st.lists(IMPORTS | st.sampled_from(["X = 1", "", "import os  # x", "if X:\n    import torch"]), max_size=4)
    )
    parts = [head, *(f"{line.format('')}\n" for line in top)]
    for number in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            parts.append("\n\n" + draw(functions("", number)))
        else:
            inside = "\n".join(draw(functions("    ", index)) for index in range(draw(st.integers(1, 3))))
            parts.append(f"\n\nclass Test{number}:\n{inside}")
    return "".join(parts)


def _read(data: bytes) -> Source | None:
    try:
        return read(Asked("test_it.py", "", data, frozenset()), STANDARD)
    except SyntaxError:
        return None


def _names(source: Source) -> list[str]:
    return [test.name for test in source.tests]


LAWS = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))


@LAWS
@given(files())
def test_what_fix_writes_can_be_read_and_has_the_same_tests(text: str) -> None:
    """And a second time there is nothing to do."""
    source = _read(text.encode())
    if source is None:
        return
    safety = Safety(source)
    movable = [
        heavy
        for heavy in source.heavy_sites
        if heavy.site.is_in_function and not safety.objection(heavy) and not safety.objection_to_name(heavy.site)
    ]
    numbers = import_numbers(source.tree)
    barriers = [number for number, each in enumerate(source.tree.body, 1) if is_barrier(each)]
    after = hoist(
        text.encode(), [numbers[heavy.site.node] for heavy in movable], Placing(after=max(barriers, default=0))
    )
    changed = _read(after)
    assert changed is not None, after
    assert _names(changed) == _names(source)
    assert _bound(changed) == _bound(source) | {name for heavy in movable for name, _ in heavy.site.names}
    remaining = [each for each in changed.heavy_sites if each.site.is_in_function]
    assert len(remaining) == len([each for each in source.heavy_sites if each.site.is_in_function]) - len(movable)
    if not movable:
        assert after == text.encode()


def _bound(source: Source) -> set[str]:
    return {name for site in source.sites if not site.owners for name, _ in site.names}


@LAWS
@given(files())
def test_what_becomes_parameters_can_be_read_and_has_the_same_tests(text: str) -> None:
    """Each import that the fixture target takes."""
    source = _read(text.encode())
    if source is None:
        return
    safety = Safety(source)
    numbers = import_numbers(source.tree)
    movable = [
        each
        for each in source.heavy_sites
        if each.site.is_in_function
        and not safety.objection(each)
        and not each.site.owners[-1].args.kwonlyargs  # type: ignore[union-attr]
        and not each.site.owners[-1].args.defaults  # type: ignore[union-attr]
    ]
    changed = _read(
        to_parameters(
            text.encode(), {numbers[each.site.node]: [(name, name) for name, _ in each.site.names] for each in movable}
        )
    )
    assert changed is not None
    assert _names(changed) == _names(source)


@LAWS
@given(files())
def test_the_parts_have_all_tests_once(text: str) -> None:
    """What split writes can be read; no test is lost, added or in both."""
    source = _read(text.encode())
    if source is None or len({*_names(source)}) < len(source.tests) or not source.tests:
        return
    parting = Parting(source)
    if parting.objection:
        return
    light, heavy = map(_read, parting.texts(text.encode()))
    assert light is not None
    assert heavy is not None
    assert Counter(_names(light)) + Counter(_names(heavy)) == Counter(_names(source))
    assert not light.is_heavy or "*" in text or any(isinstance(each, (ast.If, ast.Try)) for each in light.tree.body)


@pytest.mark.slow
def test_every_file_of_these_tests_can_be_looked_at() -> None:
    """No file makes the scan raise."""
    for file in Path(__file__).parents[3].rglob("*.py"):
        if ".venv" not in file.parts and ".nox" not in file.parts:
            examine(Asked(str(file), "", file.read_bytes(), frozenset()), STANDARD)
