"""Results of an earlier scan."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_heavyimports.scan.cache import FILE, Cache
from pytest_heavyimports.scan.examine import Asked, Standard
from pytest_heavyimports.scan.records import FileResult, Finding
from pytest_heavyimports.scan.source import Naming

from .checks import HEAVINESS

STANDARD = Standard(HEAVINESS, Naming())
ASKED = Asked("test_it.py", "test_it", b"import torch\n", frozenset({"net"}))
RESULT = FileResult((Finding("eviction", "test_it.py", 3, 5, "gone", ("test_it.py", "torch")),), True, 1, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one result, of a file that is there."""
    (tmp_path / "test_it.py").touch()
    cache = Cache(tmp_path / "cache", STANDARD)
    assert cache.get(ASKED) is None
    cache.put(ASKED, RESULT)
    cache.save(tmp_path)
    return tmp_path / "cache"


def test_a_result_comes_back(folder: Path) -> None:
    """As it was; the folder is none of the project's."""
    assert Cache(folder, STANDARD).get(ASKED) == RESULT
    assert sorted(file.name for file in folder.iterdir()) == [".gitignore", FILE]


@pytest.mark.parametrize("changed", [{"data": b"import torch \n"}, {"module": "x"}, {"heavy_fixtures": frozenset()}])
def test_a_file_that_has_changed_has_none(folder: Path, changed: dict[str, object]) -> None:
    """By its text, its name, or the fixtures that it can ask for."""
    assert Cache(folder, STANDARD).get(ASKED._replace(**changed)) is None  # type: ignore[arg-type]  # one field


@pytest.mark.parametrize(
    "standard",
    [
        STANDARD._replace(heaviness=HEAVINESS._replace(declared=frozenset({"torch"}))),
        STANDARD._replace(heaviness=HEAVINESS._replace(hops={})),
        STANDARD._replace(heaviness=HEAVINESS._replace(local=frozenset())),
        STANDARD._replace(naming=Naming(functions=("check",))),
    ],
)
def test_another_standard_has_none(folder: Path, standard: Standard) -> None:
    """What is heavy, or how tests are named."""
    assert Cache(folder, standard).get(ASKED) is None


def test_files_that_are_gone_are_dropped(folder: Path) -> None:
    """When something new is written."""
    (folder.parent / "test_it.py").unlink()
    cache = Cache(folder, STANDARD)
    cache.put(ASKED._replace(file="cache"), RESULT)
    cache.save(folder.parent)
    assert Cache(folder, STANDARD).get(ASKED) is None
    assert Cache(folder, STANDARD).get(ASKED._replace(file="cache")) is not None


@pytest.mark.parametrize("text", ["[]", "{", '{"test_it.py": 1}', '{"test_it.py": ["", [[]]]}'])
def test_a_file_of_something_else_is_none(folder: Path, text: str) -> None:
    """It is written anew."""
    (folder / FILE).write_text(text, encoding="utf-8")
    cache = Cache(folder, STANDARD)
    assert cache.get(ASKED) is None
    cache.put(ASKED, RESULT)
    cache.save(folder.parent)
    assert Cache(folder, STANDARD).get(ASKED) == RESULT


def test_a_folder_that_cannot_be_made_is_left_alone(tmp_path: Path) -> None:
    """A file has its name."""
    (tmp_path / "cache").touch()
    cache = Cache(tmp_path / "cache", STANDARD)
    cache.put(ASKED, RESULT)
    cache.save(tmp_path)
    assert (tmp_path / "cache").is_file()
