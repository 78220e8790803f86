"""The report for people: one file, that asks no network for anything."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

PARTS = ("page.css", "page.js", "data")


def html_page(document: dict[str, Any]) -> str:
    """The page, with the document of ``json_file`` in it, which its script shows."""
    folder = files(__package__)
    page = (folder / "page.html").read_text(encoding="utf-8")
    for name in PARTS:
        text = as_script(document) if name == "data" else (folder / name).read_text(encoding="utf-8")
        before, _, after = page.partition(f"/*{name}*/")
        page = f"{before}{text}{after}"
    return page


def as_script(document: dict[str, Any]) -> str:
    """JSON that can't end the script element that it stands in, whatever is in its texts."""
    return json.dumps(document, separators=(",", ":")).replace("<", "\\u003c")
