"""
Random suites, without a guard and with it: who passes without passes with it, but for culprits in mode ``error``.

``HEAVYIMPORTS_EXAMPLES`` sets how many suites each test runs, ``HEAVYIMPORTS_SEED`` which ones, and
``HEAVYIMPORTS_DIFFERENCES`` a target of ``REAL``, packages that must be installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pytest_heavyimports.facts.distributions import locate

if TYPE_CHECKING:
    from ..support.installed import Installed

SEED = int(os.environ.get("HEAVYIMPORTS_SEED", "0"))
FEW, MANY = 60, 2000
CULPRITS = {"purge", "rollback", "fake", "leave", "reload", "block", "anew"}

INSTALLED = {
    "stars/api/__init__.py": "class Tracer: pass\n",
    "stars/sdk/__init__.py": "from stars import api\nclass Tracer(api.Tracer): pass\n",
    "stars/sdk/part.py": "from . import Tracer\n",
    "lens/__init__.py": """\
        import importlib.machinery
        import sys

        class Made:
            "Finds parts that are in no file."

            @staticmethod
            def find_spec(fullname, path=None, target=None):
                if fullname.startswith("lens.made."):
                    return importlib.machinery.ModuleSpec(fullname, Made)

            @staticmethod
            def create_module(spec):
                return None

            @staticmethod
            def exec_module(module):
                module.answer = lambda: 42

        def mint():
            if not any(getattr(each, "__name__", "") == "Made" for each in sys.meta_path):
                sys.meta_path.append(Made)
            return 42

        from . import utils, made
        """,
    "lens/made/__init__.py": "",
    "lens/utils/__init__.py": """\
        import sys
        import types

        files = types.ModuleType("lens.utils.files")
        files.folder = lambda: 42
        sys.modules["lens.utils.files"] = files
        """,
    "lens/utils/files/__init__.pyi": "",
    "plug/__init__.py": "import register\nregister.add('plug', 42)\n",
    "register/__init__.py": """\
        known = {}

        def add(name, value):
            if name in known:
                raise ValueError(name)
            known[name] = value
        """,
}
OWN = {
    "app/__init__.py": "",
    "app/state.py": "calls = 0\n",
    "app/trace.py": "from stars.api import Tracer\nfrom stars.sdk import Tracer as Made\n",
    "app/model.py": "import lens\n\ndef read():\n    return lens.mint()\n",
    "app/service.py": "from .model import read\n",
    "app/main.py": """\
        def model():
            global _model
            if "_model" not in globals():
                from app import model as _model
            return _model

        def is_one():
            import app.model
            return model() is app.model
        """,
    "app/names.py": """\
        known = []

        def add(name):
            if name in known:
                raise ValueError(name)
            known.append(name)
        """,
    "app/metrics.py": "import lens\nfrom .names import add\n\nadd('metrics')\n",
    "app/order.py": """\
        import register

        class Order: pass

        register.add("order", Order)
        """,
    "app/find.py": """\
        import register

        def find():
            import app.order
            return app.order.Order is register.known["order"]
        """,
}
MADE = st.sampled_from(
    [
        ["load", ["stars.api"]],
        ["load", ["stars.sdk.part"]],
        ["bound", ["stars.sdk"]],
        ["bound", ["stars.api"]],
        ["bound", ["lens.utils.files"]],
        ["bound", ["app.model"]],
        ["related", ["stars.api:Tracer", "stars.sdk:Tracer"]],
        ["related", ["stars.api:Tracer", "app.trace:Made"]],
        ["is", ["stars.api:Tracer", "app.trace:Tracer"]],
        ["gives", ["lens.utils.files:folder", 42]],
        ["gives", ["lens:mint", 42]],
        ["made", ["lens", "lens.made.one:answer", 42]],
        ["gives", ["app.model:read", 42]],
        ["gives", ["app.service:read", 42]],
        ["is", ["app.model:read", "app.service:read"]],
        ["gives", ["app.find:find", True]],
        ["load", ["app.order"]],
        ["load", ["app.service"]],
        ["load", ["app.names"]],
        ["load", ["app.metrics"]],
        ["load", ["plug"]],
        ["gives", ["app.main:is_one", True]],
        ["fresh", ["app.state"]],
        ["purge", ["stars"]],
        ["purge", ["lens"]],
        ["purge", ["register"]],
        ["purge", ["app"]],
        ["purge", ["app", "register"]],
        ["purge", ["plug", "register"]],
        ["purge", ["app", "stars", "lens", "register"]],
        ["rollback", ["", "stars.sdk"]],
        ["rollback", ["", "app.order", "app.trace"]],
        ["rollback", ["lens", "app.service"]],
        ["fake", ["lens", "MagicMock"]],
        ["fake", ["lens", "ModuleType"]],
        ["fake", ["stars.api", "MagicMock"]],
        ["fake", ["register", "MagicMock"]],
        ["fake", ["lens.utils", "ModuleType"]],
        ["fake", ["app.model", "MagicMock"]],
        ["fake", ["app", "ModuleType"]],
        ["leave", ["lens"]],
        ["block", ["lens"]],
        ["block", ["stars.api"]],
        ["optional", ["app.service"]],
        ["optional", ["stars.sdk"]],
        ["anew", ["app"]],
        ["anew", ["stars"]],
        ["anew", ["stars.sdk", "app.trace"]],
        ["patched", ["lens.mint"]],
        ["patched", ["app.service.read"]],
        ["copy", ["stars.sdk"]],
        ["copy", ["register"]],
        ["run", ["stars.sdk.part"]],
        ["thread", ["lens"]],
        ["thread", ["app.trace"]],
        ["refill", []],
        ["reload", ["app.model"]],
        ["reload", ["app.state"]],
        ["hook", []],
        ["hooked", ["app.state"]],
        ["hooked", ["register"]],
        ["without_finders", ["stars.sdk.part"]],
    ]
)
REAL = {
    "numpy": "numpy numpy.linalg numpy.ma",
    "pydantic_core": "pydantic_core pydantic_core.core_schema pydantic",
    "cv2": "cv2 cv2.utils cv2.utils.fs cv2.gapi",
    "opentelemetry": "opentelemetry.sdk.trace opentelemetry.trace opentelemetry.sdk.resources",
    "google": "google.protobuf google.protobuf.descriptor_pool google.protobuf.timestamp_pb2",
    "torch": "torch torch.nn torch.fx",
}


def _operations(target: str) -> st.SearchStrategy[list[Any]]:
    names = REAL[target].split()
    loads = [[what, [name]] for what in ("load", "bound") for name in names]
    root = names[0].partition(".")[0]
    purges = [["purge", [root]], ["purge", [names[-1]]], ["rollback", ["", *names]], ["rollback", ["", names[-1]]]]
    fakes = [[how, [name, "MagicMock"][: 2 if how == "fake" else 1]] for how in ("fake", "leave") for name in names[:2]]
    return st.sampled_from([*loads, *loads, *purges, *fakes, ["hook", []], ["reload", [names[1]]]])


def _tests(operations: st.SearchStrategy[list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Tests that do something; most of them do nothing at the top of their file, and have no fixtures."""
    some = st.one_of(st.just([]), st.just([]), st.lists(operations, max_size=2))
    call = st.lists(operations, min_size=1, max_size=4)
    return st.fixed_dictionaries({"top": some, "shared": some, "own": some, "call": call})


class Suites:
    """The interpreter that forks a process for each run of a suite."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.steps = 0

    def run(self, mode: str, declared: list[str], tests: list[dict[str, Any]]) -> list[str]:
        """What was wrong in each test; those that a dead process has not run are wrong."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"mode": mode, "declared": declared, "tests": tests}) + "\n")
        self._process.stdin.flush()
        faults: list[str] = []
        while line := self._process.stdout.readline().strip():
            faults.append(json.loads(line))
        return faults + ["the process has died"] * (len(tests) - len(faults))


@pytest.fixture
def suites(extension: Installed, tmp_path: Path) -> Iterator[Suites]:
    """An interpreter that sees the packages and the code under test, and has imported nothing but the guard."""
    extension.add("stars-lens", "1.0", INSTALLED)
    for file, text in OWN.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(textwrap.dedent(text))
    top = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [str(tmp_path), top, str(extension.site), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", "tests.process.plain_runs"],
        cwd=tmp_path,
        env={**os.environ, **extension.environment, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Suites(process)
    process.communicate()


def _compare(suites: Suites, mode: str, operations: Any, declared: list[str], number: int) -> None:
    number = int(os.environ.get("HEAVYIMPORTS_EXAMPLES", number))

    @seed(SEED)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(tests=st.lists(_tests(operations), min_size=2, max_size=5))
    def compare(tests: list[dict[str, Any]]) -> None:
        suites.steps += sum(len(some) for test in tests for some in test.values())
        plain, guarded = suites.run("off", declared, tests), suites.run(mode, declared, tests)
        for number, (test, before, after) in enumerate(zip(tests, plain, guarded, strict=True)):
            own = [*test["top"], *test["own"], *test["call"]]
            if number in (0, len(tests) - 1):  # the last one tears it down
                own += tests[0]["shared"]
            may_fail = mode == "error" and any(operation in CULPRITS for operation, _ in own)
            assert before or not after or may_fail, f"{test} passes without the guard, and not with it: {after}"

    compare()
    print(f"{suites.steps} steps")


@pytest.fixture(params=["restore", "error"])
def mode(request: pytest.FixtureRequest) -> str:
    """The mode of the guard."""
    return str(request.param)


DECLARED = ["stars.sdk", "lens", "register"]


def test_some_suites_that_pass_without(mode: str, suites: Suites) -> None:
    """Namespace packages, parts without a spec, finders made late, hooks in front, own code, a registry."""
    _compare(suites, mode, MADE, DECLARED, FEW)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_suites_that_pass_without(mode: str, suites: Suites) -> None:
    """The same, ten thousand steps in all."""
    _compare(suites, mode, MADE, DECLARED, MANY)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("target", REAL)
def test_real_packages(target: str, mode: str, suites: Suites) -> None:
    """The same with packages as they are, where they are installed."""
    names = REAL[target].split()
    if locate(names[0]) is None:
        pytest.skip(f"{names[0]} is not installed")
    _compare(suites, mode, _operations(target), names[:1], 10)
