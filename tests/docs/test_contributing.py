"""What ``CONTRIBUTING.md`` says of the house is so."""

from __future__ import annotations

import re

import tomlkit

from .pages import ROOT


def test_the_rooms_are_those_that_lint_keeps() -> None:
    """Row by row, as they stand in ``pyproject.toml``."""
    project = tomlkit.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8")).unwrap()
    contract = project["tool"]["importlinter"]["contracts"][0]
    text = (
        (ROOT / "CONTRIBUTING.md")
        .read_text(encoding="utf-8")
        .partition("## The house")[2]
        .partition("\n| to change")[0]
    )
    rows = re.findall(r"^\| (`.*?`) \|", text, flags=re.MULTILINE)
    assert [row.replace("`", "").split(", ") for row in rows] == [layer.split(" | ") for layer in contract["layers"]]


def test_commands_of_make_are_there() -> None:
    """Each that is named."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) - {"make"} <= set(targets)
