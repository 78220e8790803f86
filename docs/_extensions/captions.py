"""Shows the name of a file above its block: the comment before it says which, and the tests write the file by it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NAMED = re.compile(r"^<!-- file: (?P<file>\S+) -->\n```(?P<language>\w+)\n", re.MULTILINE)


def name_files(app: Sphinx, name: str, source: list[str]) -> None:
    """Give each block that is a file a caption."""
    source[0] = NAMED.sub("```{code-block} \\g<language>\n:caption: \\g<file>\n\n", source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    app.connect("source-read", name_files)
    return {"parallel_read_safe": True}
