"""Installed distributions. Each test asks a fresh process, which keeps the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...support.installed import Installed
from ...support.suite import SAMPLES

Fresh = Callable[..., str]


@pytest.fixture
def ask(fresh: Fresh, installed: Installed) -> Callable[[str], Any]:
    """Evaluates an expression on ``distributions`` where the installed and the sample packages can be imported."""

    def evaluate(expression: str) -> Any:
        code = f"import json, sys\nfrom pytest_heavyimports.facts import distributions\nprint(json.dumps({expression}))"
        return json.loads(fresh(code, path=(installed.site, SAMPLES), **installed.environment))

    return evaluate


def test_version_of_the_distribution_that_provides_a_module(ask: Callable[[str], Any]) -> None:
    """The distribution may have another name than the module; a module of none has no version."""
    names = ["plainpkg", "plainpkg.part", "cvlike", "counted", "not_there"]
    versions = ask(f"[distributions.installed_version(name) for name in {names}]")
    assert versions == ["2.3.1", "2.3.1", "4.8.0", None, None]


def test_the_provider_is_named(ask: Callable[[str], Any]) -> None:
    """A module's provider is the distribution whose files have it."""
    assert ask("[distributions.find_provider(name).name for name in ('cvlike', 'xdist', '_pytest')]") == [
        "opencv-alike",
        "pytest-xdist",
        "pytest",
    ]


def test_of_several_providers_the_one_that_has_the_module_counts(fresh: Fresh, tmp_path: Path) -> None:
    """In a namespace package shared by distributions, the provider is that of the part."""
    directory = Installed(tmp_path)
    directory.add("cloud-storage", "1.1", {"cloud/storage/__init__.py": ""})
    directory.add("cloud-vision", "2.2", {"cloud/vision/__init__.py": ""})
    code = """
    from pytest_heavyimports.facts.distributions import installed_version
    print(installed_version("cloud.storage"), installed_version("cloud.vision.part"))
    """
    assert fresh(code, path=(directory.site,), **directory.environment) == "1.1 2.2\n"


def test_a_namesake_that_provides_something_else_is_no_provider(fresh: Fresh, tmp_path: Path) -> None:
    """A distribution whose name happens to be the module's is passed over for the one that has its files."""
    directory = Installed(tmp_path)
    directory.add("vision", "9.9", {"something_else.py": ""})
    directory.add("vision-real", "1.0", {"vision/__init__.py": ""})
    code = "from pytest_heavyimports.facts.distributions import installed_version; print(installed_version('vision'))"
    assert fresh(code, path=(directory.site,), **directory.environment) == "1.0\n"


def test_locating_imports_nothing(ask: Callable[[str], Any]) -> None:
    """The spec of a submodule is found without an import of its package."""
    found = ask("[distributions.locate('plainpkg.part').name, 'plainpkg' in sys.modules]")
    assert found == ["plainpkg.part", False]


@pytest.mark.parametrize("name", ["not_there", "plainpkg.nothing", "sluggish.counted", "not_there.at.all"])
def test_what_is_not_there_has_no_spec(name: str, ask: Callable[[str], Any]) -> None:
    """A missing module, one that its package lacks, and a part of something that is no package, are not there."""
    assert ask(f"distributions.locate({name!r}) is None") is True


def test_installed_is_what_lies_in_a_site_directory(ask: Callable[[str], Any]) -> None:
    """Code under test is not installed, distributions are."""
    names = ["plainpkg", "plainpkg.part", "pytest", "counted", "sluggish", "json"]
    expected = [True, True, True, False, False, False]
    assert ask(f"[distributions.is_installed(distributions.locate(name)) for name in {names}]") == expected


def test_a_folder_of_stubs_has_no_modules(ask: Callable[[str], Any], installed: Installed) -> None:
    """It looks like a namespace package; one that has a module somewhere below is one."""
    installed.add("stubbed", "1.0", {"stubbed/part/__init__.pyi": "", "spaced/part/module.py": ""})
    names = ["stubbed", "spaced", "spaced.part"]
    expression = f"[distributions.has_modules(distributions.locate(name)) for name in {names}]"
    assert ask(expression) == [False, True, True]
