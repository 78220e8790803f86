"""The page, as a text; ``tests/browser`` has it in a browser."""

from __future__ import annotations

import json
import re

from pytest_heavyimports.report.html_page import as_script, html_page

ODD = "</script><script>alert(1)</script><!-- \u2028 é </SCRIPT>"


def test_what_is_in_the_data_cannot_end_the_script() -> None:
    """And it comes back as it was."""
    assert "<" not in as_script({"text": ODD})
    assert json.loads(as_script({"text": ODD})) == {"text": ODD}


def test_the_page_is_one_file() -> None:
    """No address that a browser would ask for anything, and none of its parts is missing."""
    page = html_page({"text": f"{ODD} /*page.js*/"})
    assert not re.findall(r"(?:src|href)=|url\(|@import|https?:", page)
    assert page.count("<script") == page.count("</script>") == 2
    assert "default-src 'none'" in page
    assert "class Icicle" in page and ":root {" in page
