"""
``python -m tests.mutation``: breaks imports, deferral, stand-ins and the registry in one place at a time, tests each.

In a copy of this checkout, made anew, whose files cosmic-ray changes. Prints the lines of the table in ``README.md``,
and each mutant that no test has seen.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkResult

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("pytest_heavyimports")
TIMEOUT_S = 180
"""How long the tests of one mutant may take: several times what they take without one."""
COPIED = ("pytest_heavyimports", "tests", "pyproject.toml")
ROOMS = ("defer", "imports", "stubs")
UNIT = (*(f"tests/unit/{room}" for room in ROOMS), "tests/unit/test_registry.py")
"""What every mutant has to pass, after the tests of its own module."""
TESTS: dict[str, tuple[str, ...]] = {
    "imports/collector.py": ("tests/plugin/test_heavy_gc.py",),
    "defer/deferral.py": ("tests/plugin/test_heavy_defer.py",),
    "imports/install.py": ("tests/unit/imports/test_finder.py", "tests/plugin/test_guard_owners.py"),
    "imports/keeper.py": ("tests/plugin/test_guard_owners.py",),
    "imports/measuring.py": ("tests/plugin/test_heavy_report.py",),
    "imports/modules.py": ("tests/plugin/test_guard_owners.py",),
    "stubs/names.py": ("tests/unit/stubs/test_module.py", "tests/plugin/test_heavy_stub.py"),
    "stubs/calls.py": ("tests/unit/stubs/test_module.py", "tests/plugin/test_heavy_stub.py"),
    "stubs/decorating.py": ("tests/unit/stubs/test_module.py", "tests/plugin/test_heavy_stub.py"),
    "stubs/module.py": ("tests/plugin/test_heavy_stub.py",),
    "stubs/swap.py": ("tests/plugin/test_heavy_stub.py",),
    "registry.py": ("tests/plugin/test_heavy_module_fixture.py",),
}
"""By module: what tests it beside the file of its own name."""


def main() -> None:
    """Of the command."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="mutation-", ignore_cleanup_errors=True) as place:
        _copy(Path(place))
        os.chdir(place)
        os.environ |= {"PYTHONPATH": place, "PYTHONDONTWRITEBYTECODE": "1"}
        _check(options.modules)
        print("| module | mutants | tried | killed | timed out | survived |\n|---|---|---|---|---|---|", flush=True)
        survivors = [each for module in options.modules for each in _try(module, options.sample, options.seed)]
    print("", *survivors, sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=15, help="how many mutants of each module; 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="which")
    parser.add_argument("modules", nargs="*", default=_modules(), help="such as imports/finder.py; all by default")
    return parser.parse_args()


def _modules() -> list[str]:
    files = sorted(file for room in ROOMS for file in (ROOT / PACKAGE / room).glob("*.py"))
    return [*(f"{file.parent.name}/{file.name}" for file in files if file.name != "__init__.py"), "registry.py"]


def _copy(place: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place)


def _check(modules: list[str]) -> None:
    """End unless the tests pass where nothing is broken."""
    done = subprocess.run(_command(modules), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the tests fail without a mutant:\n{done.stdout}")


def _try(module: str, sample: int, seed: int) -> Iterator[str]:
    """Print a line of the table; what each survivor has changed."""
    mutants = _mutants(PACKAGE / module)
    chosen = random.Random(f"{seed} {module}").sample(mutants, min(sample or len(mutants), len(mutants)))
    command = shlex.join(_command([module]))
    results = [mutate_and_test([mutant], command, TIMEOUT_S) for mutant in chosen]
    survived = [result.diff for result in results if result.test_outcome == TestOutcome.SURVIVED]
    late = sum(result.output == "timeout" for result in results)
    faults = [result.output for result in results if not _is_counted(result)]
    if faults:
        sys.exit(f"{module}: {faults[0]}")
    killed = len(chosen) - late - len(survived)
    print(f"| `{module}` | {len(mutants)} | {len(chosen)} | {killed} | {late} | {len(survived)} |", flush=True)
    yield from survived


def _is_counted(result: WorkResult) -> bool:
    return result.test_outcome in (TestOutcome.KILLED, TestOutcome.SURVIVED)


def _command(modules: list[str]) -> list[str]:
    """Their own tests first: most mutants get no further. Those that start no pytest of their own before the others."""
    own = (f"tests/unit/{Path(module).parent}/test_{Path(module).name}" for module in modules)
    more = (test for module in modules for test in TESTS.get(module, ()))
    tests = dict.fromkeys((*filter(os.path.exists, own), *more, *UNIT))
    quick_first = sorted(tests, key=lambda test: test.startswith("tests/plugin"))
    return [
        sys.executable,
        "-m",
        "pytest",
        "-qx",
        "-m",
        "not slow and not torch and not cuda",
        "-p",
        "no:cacheprovider",
        *quick_first,
    ]


def _mutants(file: Path) -> list[MutationSpec]:
    database = WorkDB(":memory:", WorkDB.Mode.create)
    init([file], database, {})
    skipped = list(_unevaluated(ast.parse(file.read_text(encoding="utf-8"))))
    mutants = [item.mutations[0] for item in database.work_items]
    database.close()
    return [each for each in mutants if not any(begin <= each.start_pos < end for begin, end in skipped)]


def _unevaluated(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Begin and end of what no run reads: annotations, and what is there for type checkers alone."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.arg | ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts = [node.returns]
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            parts = [node]
        for part in filter(None, parts):
            yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


if __name__ == "__main__":
    main()
