"""What each package and each own module took."""

from __future__ import annotations

from pytest_heavyimports.doctor.costs import ImportCost, costs_of, kind_of

from .runs import is_installed, load, tree

KIND = kind_of({"app.model": "/project/app/model.py", "test_it": "/project/test_it.py"}, is_installed)


def test_kinds() -> None:
    """What is nowhere to be found is the project's own; pytest is as little of interest as the standard library."""
    names = ("app.model", "app.gone", "torch.nn", "json", "_pytest.python", "pytest_heavyimports.report")
    assert [KIND(name) for name in names] == ["own", "own", "installed", "standard", "standard", "standard"]


def test_a_package_has_what_it_brought_in() -> None:
    """numpy is torch's here, and its own where somebody else imports it later; each second is counted once."""
    loads = tree(
        load("test_it", 1),
        load("app.model", 20, 0),
        load("torch", 300, 1),
        load("numpy", 100, 2),
        load("json", 5, 3),
        load("numpy.linalg", 30, 0),
    )
    assert costs_of(loads, KIND) == [
        ImportCost("test_it", True, 1000, 0),
        ImportCost("app.model", True, 20_000, 1),
        ImportCost("torch", False, 405_000, 2),
        ImportCost("numpy", False, 30_000, 5),
    ]


def test_own_modules_that_a_package_imports_are_their_own() -> None:
    """As a framework imports settings. What they import of the standard library is theirs."""
    loads = tree(load("pandas", 10), load("app.model", 20, 0), load("json", 5, 1))
    assert costs_of(loads, KIND) == [ImportCost("pandas", False, 10_000, 0), ImportCost("app.model", True, 25_000, 1)]


def test_a_namespace_package_is_called_by_its_part() -> None:
    """Nobody loads ``google``."""
    loads = tree(load("google.protobuf", 10), load("google.protobuf.message", 20, 0))
    assert costs_of(loads, KIND) == [ImportCost("google.protobuf", False, 30_000, 0)]


def test_what_python_itself_imports_is_nobodys() -> None:
    """So it is no row."""
    assert costs_of(tree(load("json", 500)), KIND) == []
