"""
The pages, as their blocks of code: what is written to files, run, compared, or left alone, and why.

A comment in the line before a block says what becomes of it; readers of a page don't see it:

``<!-- file: tests/test_model.py -->``
    It is written to that file, in the folder of the walk.
``<!-- output -->``
    Its lines are part of what the command before it has printed.
``<!-- not run: REASON -->``
    Nothing is done with it. ``test_pages.py`` lists these.

Besides, blocks in the language ``console`` are run, and ``ini`` and ``toml`` are given to pytest as its configuration,
as are the files that it reads it from. There is no other kind of block.

``<!-- folder: empty -->``, on a line of its own, begins a walk in a folder of its own;
``<!-- folder: examples/NAME -->`` begins it in an example, in a copy of them all. ``torch`` and ``slow`` may follow,
after commas: the marks of its test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
WALKED = sorted([ROOT / "README.md", ROOT / "PACKAGE.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[^\s`]*)")
COMMENT = re.compile(r"^ *<!-- (?P<what>file|output|not run|folder)(?:: (?P<value>.*))? -->$")
CONFIGURATION_FILES = ("pytest.ini", "pytest.toml", "pyproject.toml", "tox.ini", "setup.cfg")


class Block(NamedTuple):
    """A block of code, and what is to become of it."""

    language: str
    text: str
    line: int
    """Of its first line of code, from 1."""
    what: str = ""
    """``file``, ``output``, ``not run``, or nothing."""
    value: str = ""
    """The file's name, or the reason."""


@dataclass
class Walk:
    """Blocks that share a folder, in order."""

    page: Path
    number: int
    folder: str = "empty"
    marks: tuple[str, ...] = ()
    blocks: list[Block] = field(default_factory=list)

    @property
    def name(self) -> str:
        """For the test's id."""
        return f"{self.page.relative_to(ROOT).as_posix()}-{self.number}"


def walks(page: Path) -> list[Walk]:
    """The walks of a page; those without a block are left out."""
    found = [Walk(page, 0)]
    for item in items(page.read_text(encoding="utf-8")):
        if isinstance(item, Block):
            found[-1].blocks.append(item)
        else:
            folder, *marks = (part.strip() for part in item.split(","))
            found.append(Walk(page, len(found), folder, tuple(marks)))
    return [walk for walk in found if walk.blocks]


def items(text: str) -> Iterator[Block | str]:
    """The blocks of a page, and the values of ``folder`` between them. Directives of Sphinx are no blocks."""
    lines = text.splitlines()
    what = value = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if fence := FENCE.match(line):
            indent, begin = fence["indent"], number
            while lines[number].strip() != "```":
                number += 1
            code = "\n".join(each.removeprefix(indent) for each in lines[begin:number])
            number += 1
            if not fence["language"].startswith("{"):
                yield Block(fence["language"], code, begin + 1, what, value)
            what = value = ""
        elif comment := COMMENT.match(line):
            what, value = comment["what"], comment["value"] or ""
            if what == "folder":
                yield value
                what = value = ""
        elif what:
            raise ValueError(f"line {number}: no block follows <!-- {what}: {value} -->")


def fault_of(block: Block) -> str:
    """Why it is not known what to do with a block; empty where it is."""
    if block.what in ("file", "not run"):
        return "" if block.value else f"<!-- {block.what} --> says nothing"
    if block.what == "output" or block.language in ("console", "ini", "toml"):
        return ""
    return (
        f"a block of {block.language or 'no language'} is neither a file nor output, and gives no reason not to be run"
    )
