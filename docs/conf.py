"""How Sphinx builds these pages. Nothing is fetched: `make docs` works without a network."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_heavyimports import __version__

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "pytest-heavyimports"
author = "The pytest-heavyimports developers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "captions", "from_code"]
exclude_patterns = ["_extensions"]
templates_path = []

myst_heading_anchors = 3

autodoc_typehints = (
    "none"  # the signatures name types of pytest and of the standard library, which are not documented here
)
add_module_names = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
# Names that lead out of these pages, and to which there is no inventory without a network.
nitpick_ignore_regex = [("py:.*", r"(?!pytest_heavyimports).*")]

html_theme = "furo"
html_title = "pytest-heavyimports"
html_static_path = ["_static"]
html_css_files = ["docs.css"]
html_copy_source = False
html_show_copyright = False
smartquotes = False  # a flag's dashes, and quotes that are to be typed
html_show_sphinx = False
