"""The configuration of a project, read without a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_heavyimports import CommandRefused
from pytest_heavyimports.scan.project import read_project


@pytest.fixture(autouse=True)
def _in_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path)


def write(text: str, file: str = "pytest.ini") -> None:
    """Write the configuration file."""
    Path(file).write_text(text, encoding="utf-8")


def test_what_a_scan_is_told(tmp_path: Path) -> None:
    """Declarations, what pytest collects, where the code lies, and where to keep something."""
    write(
        "[pytest]\nheavy_modules =\n    torch\n    cv = cv2\ntestpaths = tests\npython_files = check_*.py\n"
        "python_functions = check\npythonpath = lib\ncache_dir = kept\naddopts = -p nothing --no-such-flag\n"
    )
    project = read_project([])
    assert {alias: module.fullname for alias, module in project.declared.items()} == {"torch": "torch", "cv": "cv2"}
    assert (project.root, project.paths, project.config_file) == (
        tmp_path,
        (tmp_path / "tests",),
        tmp_path / "pytest.ini",
    )
    assert (project.python_files, project.python_functions, project.python_classes) == (
        ("check_*.py",),
        ("check",),
        ("Test",),
    )
    assert project.path == (str(tmp_path / "lib"), str(tmp_path), str(tmp_path / "src"))
    assert project.cache == tmp_path / "kept" / "d" / "heavyimports"


def test_modules_that_are_named_take_their_place(tmp_path: Path) -> None:
    """A path is one from here."""
    write("[pytest]\nheavy_modules = torch\nheavy_stub = cv2\n")
    project = read_project(["tests"], ["cv2"])
    assert list(project.declared) == ["cv2"]
    assert project.paths == (tmp_path / "tests",)


def test_a_module_with_a_stand_in_is_not_heavy() -> None:
    """No run imports the real one."""
    write("[pytest]\nheavy_modules =\n    torch\n    nn = torch.nn\n    cv2\nheavy_stub = torch\n")
    assert list(read_project([]).declared) == ["cv2"]


@pytest.mark.parametrize(
    ("text", "arguments", "refusal"),
    [
        (
            "[pytest]\n",
            [],
            "no heavy module is declared. Write heavy_modules = torch into pytest.ini, or name one: --module torch.",
        ),
        ("[pytest]\nheavy_modules = torch\n", ["nowhere"], "'nowhere' is not there."),
        (
            "[pytest]\nheavy_modules = x >> 2\n",
            [],
            "heavy_modules: 'x >> 2' can't be read: '>> 2' is no version specifier "
            "(pytest.ini, [pytest], line 1 of heavy_modules). Write it as 'x >= 2'.",
        ),
        ("no section\n", [], "pytest can't read its configuration (exit status 4)."),
    ],
)
def test_what_is_refused(text: str, arguments: list[str], refusal: str) -> None:
    """In a line."""
    write(text)
    with pytest.raises(CommandRefused) as refused:
        read_project(arguments)
    assert str(refused.value) == refusal


def test_variables_of_pytest_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """They name plugins, which are not imported."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p nothing_there")
    monkeypatch.setenv("PYTEST_PLUGINS", "nothing_there")
    before = dict(os.environ)
    write("[pytest]\nheavy_modules = torch\n")
    assert list(read_project([]).declared) == ["torch"]
    assert dict(os.environ) == before
