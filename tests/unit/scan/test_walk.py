"""The files that a scan looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_heavyimports.scan import walk
from pytest_heavyimports.scan.records import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose configuration says what pytest's defaults do."""
    return Project(
        tmp_path,
        (tmp_path,),
        {},
        None,
        ("test_*.py", "*_test.py"),
        ("Test",),
        ("test",),
        ("build", "venv", ".*"),
        (),
        tmp_path / "cache",
    )


def write(root: Path, *files: str) -> None:
    """Write empty files."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()


def shown(project: Project) -> list[str]:
    """Those that are looked at."""
    return [project.shown(file) for file in walk.test_files(project)]


def test_files_that_pytest_would_collect(project: Project) -> None:
    """And conftest files; not those of environments, caches and folders that the configuration leaves out."""
    write(
        project.root, "tests/test_b.py", "tests/a_test.py", "tests/conftest.py", "tests/helper.py", "tests/test_x.txt"
    )
    write(
        project.root, "build/test_b.py", ".tox/test_a.py", "a/__pycache__/test_a.py", "env/pyvenv.cfg", "env/test_a.py"
    )
    assert shown(project) == ["tests/a_test.py", "tests/conftest.py", "tests/test_b.py"]


def test_a_file_that_was_named_is_taken_as_it_is(project: Project) -> None:
    """Whatever it is called, once."""
    write(project.root, "tests/helper.py", "tests/test_a.py")
    named = project.root / "tests" / "helper.py"
    assert shown(project._replace(paths=(named, project.root / "tests", named))) == [
        "tests/helper.py",
        "tests/test_a.py",
    ]


def test_a_pattern_with_a_slash_is_one_of_the_path(project: Project) -> None:
    """As pytest has it."""
    write(project.root, "unit/check_a.py", "other/check_a.py", "skip/deep/unit/check_b.py")
    asked = project._replace(python_files=("unit/check_*.py",), norecursedirs=("skip/deep",))
    assert shown(asked) == ["unit/check_a.py"]


def test_conftest_files_above(project: Project) -> None:
    """Those that are there, up to the root, the outermost first; a conftest file is not above itself."""
    write(project.root, "conftest.py", "a/b/conftest.py", "a/b/test_it.py")
    root = project.root
    above = walk.conftests_above(root / "a/b/test_it.py", root)
    assert above == [root / "conftest.py", root / "a/b/conftest.py"]
    assert walk.conftests_above(root / "a/b/conftest.py", root) == [root / "conftest.py"]
    assert walk.conftests_above(root / "a/b/test_it.py", root / "a") == [root / "a/b/conftest.py"]


def test_the_package_of_a_directory(project: Project) -> None:
    """As long as there is an __init__.py and a name that can be imported."""
    write(project.root, "a-b/c/__init__.py", "a-b/c/d/__init__.py", "a-b/__init__.py")
    assert walk.package_of(project.root / "a-b/c/d") == ("c.d", project.root / "a-b")
    assert walk.package_of(project.root) == ("", project.root)


def test_a_file_elsewhere_is_shown_whole(project: Project) -> None:
    """It lies in no root directory."""
    assert project.shown(Path("/elsewhere/test_a.py")) == "/elsewhere/test_a.py"
