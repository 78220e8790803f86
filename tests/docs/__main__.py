"""
Walk through pages, and paste in what was printed: ``python -m tests.docs [--write] PAGE...``.

Shows what a page tells otherwise than it is. ``--write`` puts the figures of this run into the lines that are right but
for those; a line that is wrong is for its author.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .pages import walks
from .walking import Walker, plain


def pasted(told: str, printed: str) -> str:
    """The lines that are told, with the figures that were printed."""
    waiting = printed.splitlines()
    lines = []
    for line in told.splitlines():
        found = next((number for number, each in enumerate(waiting) if plain(each) == plain(line)), None)
        lines.append(line if found is None else waiting[found].rstrip())
        waiting = waiting if found is None else waiting[found + 1 :]
    return "\n".join(lines)


def main() -> int:
    """Walk; 1 where a page is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs", description=__doc__)
    parser.add_argument("--write", action="store_true", help="change the pages")
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE")
    given = parser.parse_args()
    is_wrong = False
    for page in given.pages:
        lines = page.read_text(encoding="utf-8").splitlines()
        for walk in walks(page.resolve()):
            with tempfile.TemporaryDirectory() as place:
                folder, home = Path(place, "project"), Path(place, "home")
                folder.mkdir()
                home.mkdir()
                walker = Walker(walk, folder, home)
                try:
                    for block in walk.blocks:
                        try:
                            walker.do(block)
                        except AssertionError as error:
                            is_wrong = True
                            print(f"{page}, line {block.line}: {error}\n")
                            continue
                        if block.language == "console" and not block.what:
                            number = block.line - 1
                            count = len(block.text.splitlines())
                            new = pasted(block.text, "\n".join(walker.printed))
                            lines[number : number + count] = new.splitlines()
                finally:
                    walker.end()
        if given.write:
            page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
