"""Which tests need a module."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_heavyimports.doctor.needs import SourceFile, WhoNeeds

from .runs import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write("app.__init__", "")
    project.write("app.model", "from . import layers\n")
    project.write("app.layers", "try:\n    import torch.nn as nn\nexcept ImportError:\n    nn = None\n")
    project.write("app.lazy", "def run():\n    import torch\n")
    project.write("test_heavy", "from app import model\n\ndef test_one(): pass\n")
    project.write(
        "test_mixed",
        "import pytest\n\n\n@pytest.mark.x\ndef test_inside():\n    import torch\n\n\ndef test_light(): pass\n",
    )
    return project


def names(needs: WhoNeeds, module: str, **without: object) -> list[str]:
    return [item.nodeid for item in needs.tests(module, **without)]  # type: ignore[arg-type]  # an edge


def test_by_the_file_or_by_the_function(project: Project) -> None:
    """Through own modules, and not by what an own module imports when it is called."""
    items = [
        project.item("test_heavy", "test_one", 3),
        project.item("test_mixed", "test_inside", 4),
        project.item("test_mixed", "test_light", 9),
    ]
    needs = WhoNeeds(items, project.own, (), {})
    assert names(needs, "torch") == ["test_heavy.py::test_one", "test_mixed.py::test_inside"]
    assert names(needs, "app.layers") == ["test_heavy.py::test_one"]
    assert names(needs, "test_mixed") == ["test_mixed.py::test_inside", "test_mixed.py::test_light"]
    assert names(needs, "numpy") == []


def test_by_a_fixture(project: Project) -> None:
    """Its function, whatever file it lies in; an alias gives a declared module."""
    conftest = project.write("conftest", "import pytest\n\n@pytest.fixture\ndef model():\n    from app import model\n")
    items = [
        project.item("test_mixed", "test_light", 9, "request", "model"),
        project.item("test_mixed", "test_light", 9, "np"),
        project.item("test_mixed", "test_light", 9),
    ]
    needs = WhoNeeds(items, project.own, (conftest,), {"model": [(conftest, 3)]}, {"np": "numpy"})
    assert needs.tests("torch") == [items[0]]
    assert needs.tests("numpy") == [items[1]]


def test_by_a_conftest_above(project: Project) -> None:
    """It is read for all tests below it, and for no others."""
    conftest = project.write("slow.conftest", "import app.model\n")
    project.write("slow.test_it", "")
    items = [project.item("slow.test_it", "test_it"), project.item("test_mixed", "test_light", 9)]
    needs = WhoNeeds(items, project.own, (conftest,), {})
    assert needs.tests("torch") == items[:1]
    assert needs.tests("torch", without=(conftest, 1)) == []
    assert needs.statement(conftest, "torch") == (conftest, 1)


def test_a_way_that_is_left_is_found(project: Project) -> None:
    """One import is taken for absent, and another one leads there."""
    file = project.write("test_two", "import app.model\nimport app.layers\n")
    needs = WhoNeeds([project.item("test_two", "test_it")], project.own, (), {})
    assert len(needs.tests("torch", without=(file, 1))) == 1
    assert needs.statement(file, "app.layers") == (file, 2)
    assert needs.statement(file, "numpy") is None


def test_a_circle_ends(project: Project) -> None:
    """Modules that import each other."""
    project.write("app.a", "import app.b\n")
    project.write("app.b", "import app.a\nimport numpy\n")
    project.write("test_circle", "import app.a\n")
    items = [project.item("test_circle", "test_it")]
    assert WhoNeeds(items, project.own, (), {}).tests("numpy") == items
    assert WhoNeeds(items, project.own, (), {}).tests("torch") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a.b, c", ["a.b", "c"]),
        ("from a import b as c", ["a", "a.b"]),
        ("from . import b", ["pkg", "pkg.b"]),
        ("from ...far import b", []),
        ("if True:\n    import a\nelse:\n    import b", ["a", "b"]),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", ["b"]),
        ("if typing.TYPE_CHECKING:\n    import a", []),
        ("class A:\n    import a", ["a"]),
        ("def f():\n    import a", []),
        ('np = pytest.importorskip("numpy", "1.0")', ["numpy"]),
        ('import_module("a.b")\nimport_module(name)\nimport_module(".b", "a")', ["a.b"]),
        ("no python at all", []),
    ],
)
def test_statements(text: str, expected: list[str]) -> None:
    """Those that are executed with the file."""
    assert [each.name for each in SourceFile(text.encode(), "pkg.module", is_package=False).top] == expected


def test_functions_inside_of_functions_count() -> None:
    """By the first line, that of a decorator included."""
    text = b"@a\n@b\ndef f():\n    def g():\n        import x\n    return g\n"
    source = SourceFile(text, "m", is_package=False)
    assert {line: [each.name for each in some] for line, some in source.functions.items()} == {1: ["x"], 4: ["x"]}


def test_what_a_function_calls_counts() -> None:
    """Functions of the same file, by name or by ``self``, in circles too."""
    text = """
def helper(): other(); import a
def other(): helper(); import b
class TestX:
    def test_one(self): self.two()
    def two(self): import c
def test_it(): helper()
def test_light(): it.helper()
"""
    source = SourceFile(text.encode(), "m", is_package=False)
    called = {line: {each.name for each in source.called_from(line)} for line in (2, 5, 7, 8)}
    assert called == {2: {"a", "b"}, 5: {"c"}, 7: {"a", "b"}, 8: set()}


def test_a_file_that_is_gone_has_no_statements(tmp_path: Path) -> None:
    """As one that a test has made."""
    assert WhoNeeds([], {"gone": str(tmp_path / "gone.py")}, (), {}).source(str(tmp_path / "gone.py")).top == []
