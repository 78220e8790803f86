"""Lines of ``heavy_modules``, written into each kind of file."""

from __future__ import annotations

import pytest

from pytest_heavyimports.config.writing import with_declarations


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pytest.ini", "[pytest]\n", "[pytest]\nheavy_modules =\n    np = numpy\n"),
        (
            "pytest.ini",
            "[pytest]\nx = 1\n\n[tox]\nheavy_modules = y\n",
            "[pytest]\nheavy_modules =\n    np = numpy\nx = 1\n\n[tox]\nheavy_modules = y\n",
        ),
        ("pytest.ini", "", "[pytest]\nheavy_modules =\n    np = numpy\n"),
        (
            "pytest.ini",
            "[pytest]\nheavy_modules = torch\naddopts = -q\n",
            "[pytest]\nheavy_modules =\n    torch\n    np = numpy\naddopts = -q\n",
        ),
        (
            "tox.ini",
            "[pytest]\nheavy_modules :\n    # big\n    torch\n\n[tox]\nheavy_modules = x\n",
            "[pytest]\nheavy_modules :\n    # big\n    torch\n    np = numpy\n\n[tox]\nheavy_modules = x\n",
        ),
        ("setup.cfg", "[pytest]\n", "[pytest]\n[tool:pytest]\nheavy_modules =\n    np = numpy\n"),
        ("pytest.toml", "", '[pytest]\nheavy_modules = [\n    "np = numpy",\n]\n'),
        (
            "pytest.toml",
            "[pytest]\nheavy_modules = ['torch'] # big\n",
            "[pytest]\nheavy_modules = ['torch', \"np = numpy\"] # big\n",
        ),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\nheavy_modules = 'torch'\n",
            '[tool.pytest.ini_options]\nheavy_modules = """torch\nnp = numpy\n"""\n',
        ),
        ("pyproject.toml", "[tool.pytest]\nx = 1\n", '[tool.pytest]\nx = 1\nheavy_modules = [\n    "np = numpy",\n]\n'),
        ("pyproject.toml", "", '[tool.pytest.ini_options]\nheavy_modules = [\n    "np = numpy",\n]\n'),
    ],
)
def test_a_line_is_added(name: str, before: str, after: str) -> None:
    """In the table that pytest reads; all else stays as it is."""
    assert with_declarations(name, before.encode(), ["np = numpy"]).decode() == after
