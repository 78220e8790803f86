"""Every link that stays in the repository leads to something that is there."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from .pages import FENCE, ROOT, WALKED

PAGES = [
    *WALKED,
    *sorted(
        [
            ROOT / "CHANGELOG.md",
            ROOT / "SECURITY.md",
            *ROOT.glob("examples/*/README.md"),
            ROOT / "tests/mutation/README.md",
        ]
    ),
]
LINK = re.compile(r"(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)\)|!\[[^\]]*\]\((?P<image>[^()\s]+)\)")
LABEL = re.compile(r"^\((?P<label>[\w-]+)\)=$", re.MULTILINE)
HEADING = re.compile(r"^#+ +(?P<title>.*)$", re.MULTILINE)
PLACE = re.compile(r"^<!-- from the code: (?P<part>[\w-]+) -->$", re.MULTILINE)


def _text(page: Path) -> str:
    """A page without its blocks of code and its code in lines: a link in there is none."""
    text, is_code = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if FENCE.match(line) and not (is_code and line.strip() != "```"):
            is_code = not is_code
        elif not is_code:
            text.append(line)
    return "\n".join(text)


def _anchors(page: Path) -> set[str]:
    """Where a link into the page may lead: its headings, as they are shown on the web, and its labels."""
    text = _text(page)
    found = {match["label"] for match in LABEL.finditer(text)}
    for match in HEADING.finditer(text):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", match["title"]).strip().lower()
        kept = (each for each in title if each in " -_" or unicodedata.category(each)[0] in "LN")
        found.add("".join(kept).replace(" ", "-"))
    return found


def _targets(page: Path) -> list[str]:
    found = (match["target"] or match["image"] for match in LINK.finditer(re.sub(r"`[^`\n]*`", "``", _text(page))))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    """A file that is there and, where one is named, a heading in it. What is made from the code, `make docs` checks."""
    for target in _targets(page):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{target}: no such file"
        assert file.is_relative_to(ROOT), f"{target}: leads out of the repository"
        if anchor and not PLACE.search(file.read_text(encoding="utf-8")):
            assert anchor in _anchors(file), f"{target}: no such heading; there are {', '.join(sorted(_anchors(file)))}"


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    """Targets and anchors, those in code left out."""
    page = tmp_path / "page.md"
    page.write_text(
        "# The `first` one\n\n[a](b.md#c) and [`d`](#the-first-one) `[not](this)`\n\n```text\n[nor](that)\n```\n"
        "(label-here)=\n## Two\n![picture](p.svg) [out](https://example.org)\n",
        encoding="utf-8",
    )
    assert _targets(page) == ["b.md#c", "#the-first-one", "p.svg"]
    assert _anchors(page) == {"the-first-one", "two", "label-here"}
