"""Five ways out of the reload problem: the same 17 tests in each, and nothing but the way differs."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from benchmarks.five_ways import BEGIN, END, WAYS

from ..support.commands import run_command
from ..support.examples import EXAMPLES, copy_example, needs_redis, needs_torch

pytestmark = [pytest.mark.torch, needs_torch, needs_redis]

OLD_STYLE = EXAMPLES / "broken_suite" / "tests" / "worker" / "test_pipeline_helpers.py"
FIVE_WAYS = EXAMPLES / "five_ways"
AT_THE_TOP = FIVE_WAYS / "tests" / "module_level" / "test_pipeline_helpers.py"
SPLIT = [FIVE_WAYS / "tests" / "split_files" / f"test_{name}.py" for name in ("status", "edit_rate")]


def _statements(text: str) -> list[ast.stmt]:
    """Those of a file, without its docstring."""
    return ast.parse(text).body[1:]


def _functions(*files: Path) -> dict[str, str]:
    """Each function of some files, as Python reads it."""
    statements = (statement for file in files for statement in _statements(file.read_text(encoding="utf-8")))
    return {each.name: ast.dump(each) for each in statements if isinstance(each, ast.FunctionDef)}


def test_imports_at_the_top_are_those_of_fix(tmp_path: Path) -> None:
    """What lies in the example is what the command makes of the old style, but for the docstring."""
    copy_example("worker_pipeline", tmp_path / "suite")
    target = tmp_path / "suite" / "tests" / "worker" / OLD_STYLE.name
    shutil.copy(OLD_STYLE, target)
    assert run_command(tmp_path / "suite", "fix", "--write").status == 1
    fixed, kept = (_statements(file.read_text(encoding="utf-8")) for file in (target, AT_THE_TOP))
    assert [ast.unparse(each) for each in kept] == [ast.unparse(each) for each in fixed]


def test_split_files_have_the_same_tests() -> None:
    """Nothing is lost, added or changed."""
    assert _functions(*SPLIT) == _functions(AT_THE_TOP)


def test_the_page_has_the_tables_of_the_benchmark() -> None:
    """Every way, in order, with the outcomes that the benchmark insists on."""
    page = (EXAMPLES.parent / "docs" / "five-ways.md").read_text(encoding="utf-8")
    told = page.partition(BEGIN)[2].partition(END)[0].splitlines()
    costs, outcomes = told[3 : 3 + len(WAYS)], told[-1 - len(WAYS) : -1]
    assert [row.split(" | ")[:2] for row in costs] == [[f"| {way.name}", way.outcome] for way in WAYS]
    assert outcomes == [f"| {way.name} | {way.unguarded} | {way.guarded} |" for way in WAYS]
