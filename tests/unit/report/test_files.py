"""The format of a file goes by the end of its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_heavyimports.report.files import write_file

from .trees import torch_report


def written(file: Path) -> str:
    """What is written into the file."""
    write_file(file, torch_report(), made_by="pytest-heavyimports 1", hint="use less", over_budget=["torch: too much"])
    return file.read_text(encoding="utf-8")


def test_json(tmp_path: Path) -> None:
    """The document, in a line."""
    [line] = written(tmp_path / "report.json").splitlines()
    assert json.loads(line)["tree"][0]["fullname"] == "app"
    assert "torch: too much" in line


def test_speedscope(tmp_path: Path) -> None:
    """Though it ends in .json, too."""
    assert json.loads(written(tmp_path / "report.speedscope.json"))["exporter"] == "pytest-heavyimports 1"


def test_importtime(tmp_path: Path) -> None:
    """As Python writes it."""
    assert written(tmp_path / "report.importtime.txt").startswith("import time: self [us] |")


def test_html(tmp_path: Path) -> None:
    """A page, with the document in it."""
    page = written(tmp_path / "report.html")
    assert page.startswith("<!")
    assert "torch: too much" in page


def test_missing_directories_are_made(tmp_path: Path) -> None:
    """And an OSError is the caller's."""
    written(tmp_path / "a" / "b" / "report.json")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        written(tmp_path / "file" / "report.json")
