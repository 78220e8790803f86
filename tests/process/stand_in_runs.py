"""
Runs of pytest on suites of real tests and of tests with a stand-in. Run as a script.

For each line on stdin, ``{"heavy": ..., "tests": [kind, ...], "guard": mode, "top": bool}``, a process is forked that
runs these tests, in this order, and answers ``{"outcomes": {test: outcome}, "seen": {test: what it has seen}}``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import pytest

INDENT = "    "
PLUGIN = "pytest_heavyimports.plugin"

APP = {
    "app/__init__.py": "",
    "app/shapes.py": "from enum import Enum\n\nclass Shape(Enum):\n    ROUND = 'round'\n",
    "app/model.py": """\
import HEAVY as lib
from app.registry import register
from app.shapes import Shape
from HEAVY import BASE as Base

@register
class Vector(Base):
    shape = Shape.ROUND

def total(values):
    return float(lib.SUM(lib.MAKE(values)))

def answer():
    return lib.MAKE([1, 2])
""",
    "app/registry.py": "ENTRIES = {}\n\ndef register(cls):\n    ENTRIES[cls.__name__] = cls\n    return cls\n",
    "app/user.py": "from .model import total, Vector\n\ndef twice(values):\n    return 2 * total(values)\n",
    "app/lazy.py": """\
import functools

_kept = None
SEEN = []

def kept():
    global _kept
    import HEAVY as lib
    if _kept is None:
        _kept = lib.MAKE([3, 4])
        SEEN.append(_kept)
    return _kept

@functools.lru_cache
def cached():
    import HEAVY as lib
    return lib.MAKE([5])
""",
    "app/late.py": "try:\n    import HEAVY as lib\n    KIND = type(lib).__name__\nexcept ImportError:\n    KIND = ''\n",
    "app/pack/__init__.py": "import HEAVY as lib\nfrom . import part\n",
    "app/pack/part.py": "from app.shapes import Shape\n",
}

HEAD = """\
import importlib
import pickle
import sys

import pytest
from unittest.mock import call

import witness
"""
TOP = """\
import HEAVY
import HEAVY as lib
from HEAVY import SUM
from app import lazy, model, user
from app.model import Vector, total
"""

REAL = {
    "compute": """\
        import HEAVY as lib
        return float(lib.SUM(lib.MAKE([1, 2]))), witness.same('HEAVY', lib)
        """,
    "app": """\
        from app.model import total
        return total([1, 2, 3]), witness.same('total', total)
        """,
    "user": """\
        import app.user
        return app.user.twice([1]), witness.same('app.user', app.user)
        """,
    "lazy": """\
        from app import lazy
        return lazy.kept().tolist(), lazy.cached().tolist(), len(lazy.SEEN)
        """,
    "pickled": """\
        from app.model import Vector
        return (
            pickle.loads(pickle.dumps(Vector)) is Vector,
            witness.same('Vector', Vector),
            issubclass(Vector, importlib.import_module('HEAVY').BASE),
        )
        """,
    "late": """\
        import app.late
        return app.late.KIND, app.late is sys.modules['app.late']
        """,
    "registry": """\
        import app.model, app.registry
        return sorted(app.registry.ENTRIES), app.registry.ENTRIES['Vector'] is app.model.Vector
        """,
    "pack": """\
        import app.pack.part
        from app.shapes import Shape
        return (
            app.pack.part.Shape is Shape,
            app.pack.part is sys.modules['app.pack.part'],
            app.pack.lib is sys.modules['HEAVY'],
        )
        """,
    "part": """\
        import HEAVY.PART
        return (
            witness.same('part', sys.modules['HEAVY.PART']),
            sys.modules['HEAVY'].PART is sys.modules['HEAVY.PART'],
        )
        """,
    "fixtures(lib, app_model)": """\
        return (
            app_model.total([2]),
            app_model is importlib.import_module('app.model'),
            lib is sys.modules['HEAVY'],
            witness.same('app.model', app_model),
        )
        """,
    "finders": """\
        return [type(finder).__name__ for finder in sys.meta_path if 'StandIn' in type(finder).__name__]
        """,
}
"""Bodies of functions that give what there is to be seen, by name and arguments of the test."""
REAL_AT_TOP = {
    "top": """\
        return (
            total([1, 2]),
            user.twice([2]),
            model is sys.modules['app.model'],
            lib is HEAVY,
            lib is sys.modules['HEAVY'],
            Vector is model.Vector,
            witness.same('Vector', Vector),
            float(SUM(lib.MAKE([1]))),
        )
        """,
}
"""The same, where the names of the top of the file are there."""

STUBBED = {
    "fixture(heavy_stub)": """\
        stub = heavy_stub('HEAVY')
        from app.model import answer
        answer()
        stub.MAKE.assert_called_once_with([1, 2])
        """,
    "twice(heavy_stub)": """\
        assert heavy_stub('HEAVY') is heavy_stub('HEAVY')
        import HEAVY.PART
        import app.late
        assert app.late.KIND == 'StandInModule'
        """,
    "mark": """\
        import app.lazy
        import HEAVY
        app.lazy.kept(); app.lazy.cached()
        assert HEAVY.MAKE.call_count in (1, 2)
        """,
    "aliases(lib, app_model)": """\
        assert lib is sys.modules['HEAVY']
        lib.SUM.return_value = 9
        assert app_model.total([1]) == 9.0
        """,
    "pickles(heavy_stub)": """\
        heavy_stub('HEAVY')
        from app.model import Vector
        assert type(pickle.loads(pickle.dumps(Vector()))) is Vector
        """,
    "leaves(heavy_stub)": """\
        stub = heavy_stub('HEAVY')
        import app.shapes, app.registry
        app.shapes.left = stub.MAKE(1)
        app.registry.ENTRIES['left'] = stub.MAKE
        import app.model, app.user
        """,
    "evicts(heavy_stub)": """\
        heavy_stub('HEAVY')
        del sys.modules['HEAVY']
        import app.pack
        """,
    "patches(heavy_stub, monkeypatch)": """\
        heavy_stub('HEAVY')
        monkeypatch.setattr('HEAVY.MAKE', lambda values: 5)
        from app.model import answer
        assert answer() == 5
        """,
    "patched_before(monkeypatch, heavy_stub)": """\
        monkeypatch.setattr('app.lazy._kept', 7)
        heavy_stub('HEAVY')
        import app.lazy
        app.lazy.kept()
        """,
    "refused(heavy_stub)": """\
        heavy_stub('HEAVY')
        from app.model import total
        from pytest_heavyimports import StandInRefused
        with pytest.raises(StandInRefused):
            total([1])
        """,
    "fails(heavy_stub)": """\
        heavy_stub('HEAVY')
        import app.user, app.late, app.pack.part
        pytest.xfail('as it may')
        """,
}
"""Bodies of tests with a stand-in."""
STUBBED_AT_TOP = {
    "top(heavy_stub)": """\
        lib_now = heavy_stub('HEAVY')
        assert lib is HEAVY is lib_now is model.lib
        model.answer()
        lib.MAKE.assert_called_once_with([1, 2])
        assert total is model.total
        """,
}
MARKED = ("mark", "aliases(lib, app_model)")

NAMES = {
    "numpy": {"BASE": "ndarray", "SUM": "sum", "MAKE": "asarray", "PART": "polynomial"},
    "torch": {"BASE": "nn.Module", "SUM": "sum", "MAKE": "tensor", "PART": "fft"},
}
WITNESS = """\
first = {}


def same(name, value):
    return first.setdefault(name, value) is value
"""


def write_suite(directory: Path, order: dict[str, Any]) -> None:
    """The files of a suite, for what *order* asks."""
    heavy = order["heavy"]
    tests = []
    for number, kind in enumerate(order["tests"]):
        is_stubbed = kind.startswith("stubbed ")
        name, _, arguments = kind.removeprefix("stubbed ").partition("(")
        bodies = {**STUBBED, **STUBBED_AT_TOP} if is_stubbed else {**REAL, **REAL_AT_TOP}
        body = bodies[kind.removeprefix("stubbed ")]
        body, arguments = textwrap.dedent(body), arguments.rstrip(")")
        mark = "@pytest.mark.heavy_stub('HEAVY')\n" if is_stubbed and kind.removeprefix("stubbed ") in MARKED else ""
        if not is_stubbed:
            body = f"def see():\n{textwrap.indent(body, INDENT)}\nrecord_property('seen', repr(see()))\n"
            arguments = f"{arguments}, record_property".removeprefix(", ")
        tests.append(f"{mark}def test_{number}_{name}({arguments}):\n{textwrap.indent(body, INDENT)}")
    top = TOP if order["top"] else ""
    files = {**APP, "test_it.py": "\n\n".join([HEAD, top, *tests]), "witness.py": WITNESS}
    files["pytest.ini"] = "[pytest]\nheavy_modules =\n    lib = HEAVY\n    app_model = app.model\n"
    for file, text in files.items():
        if heavy == "torch":
            text = text.replace("from HEAVY import BASE as Base", "from torch.nn import Module as Base")
        for word, meant in {**NAMES[heavy], "HEAVY": heavy}.items():
            text = text.replace(word, meant)
        target = directory / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


class Outcomes:
    """A plugin that writes down what becomes of each test."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.seen: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.partition("::")[2]
        if report.when == "call" or report.failed:
            self.outcomes[name] = "passed" if report.outcome != "failed" else report.longreprtext[-2000:]
        for key, value in report.user_properties:
            if key == "seen":
                self.seen[name] = str(value)


def run_suite(order: dict[str, Any]) -> dict[str, Any]:
    """Run it here, and tell what has become of it."""
    with tempfile.TemporaryDirectory() as directory:
        write_suite(Path(directory), order)
        os.chdir(directory)
        sys.path.insert(0, directory)
        outcomes = Outcomes()
        arguments = ["-q", "-p", "no:cacheprovider", "-p", PLUGIN, f"--heavy-guard={order['guard']}", "-W", "error"]
        status = pytest.main([*arguments, "test_it.py"], plugins=[outcomes])
        return {"outcomes": outcomes.outcomes, "seen": outcomes.seen, "status": int(status)}


def main() -> None:
    """Answer each line."""
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            answer = run_suite(json.loads(line))
            os.write(writing, json.dumps(answer).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answers:
            print(answers.read(), flush=True)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
