"""Writes a report into a file, in the format that the end of its name says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import formats
from .html_page import html_page
from .json_file import document

if TYPE_CHECKING:
    from .model import Report


def write_file(file: Path, report: Report, *, made_by: str, hint: str, over_budget: Sequence[str]) -> None:
    """
    Write one file, and the directories above it that are missing.

    Raises:
        OSError: It can't be written.
    """
    if file.name.endswith(".speedscope.json"):
        text = formats.speedscope(report.trees, exporter=made_by)
    elif file.name.endswith(".importtime.txt"):
        text = formats.importtime(report.trees)
    else:
        facts = document(report, made_by=made_by, hint=hint, over_budget=over_budget)
        text = html_page(facts) if file.suffix == ".html" else json.dumps(facts, separators=(",", ":")) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
