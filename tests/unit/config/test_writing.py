"""Lines of ``heavy_modules``, written into each kind of file."""

from __future__ import annotations

import iniconfig
import pytest
import tomlkit
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_heavyimports import CommandRefused
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
            "pytest.ini",
            "[pytest]\nheavy_modules =\n    torch\n# of x\nx = 1\n",
            "[pytest]\nheavy_modules =\n    torch\n    np = numpy\n# of x\nx = 1\n",
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


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pytest.ini", "[pytest]\nx = 1\n", "[pytest]\nheavy_guard = restore\nx = 1\n"),
        ("pytest.ini", "[pytest] ; ours\nheavy_guard=off\n", "[pytest] ; ours\nheavy_guard = restore\n"),
        (
            "tox.ini",
            "[pytest]\nheavy_guard =\n    # why\n    off\n# x\nx = 1",
            "[pytest]\nheavy_guard = restore\n    # why\n# x\nx = 1",
        ),
        ("setup.cfg", "[x]\r\ny = 1", "[x]\r\ny = 1\r\n[tool:pytest]\r\nheavy_guard = restore\r\n"),
        ("mine.toml", "[tool.pytest]\nx = 1\n", '[tool.pytest]\nx = 1\nheavy_guard = "restore"\n'),
        ("pytest.toml", "[pytest]\nx = 1 # y\n", '[pytest]\nx = 1 # y\nheavy_guard = "restore"\n'),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\nheavy_guard = 'off' # for now\n\n# others\n[tool.x]\n",
            '[tool.pytest.ini_options]\nheavy_guard = "restore" # for now\n\n# others\n[tool.x]\n',
        ),
        (
            "pyproject.toml",
            "[tool]\npytest.ini_options.x = 1\n",
            '[tool]\npytest.ini_options.x = 1\npytest.ini_options.heavy_guard = "restore"\n',
        ),
    ],
)
def test_a_value_is_set(name: str, before: str, after: str) -> None:
    """In the place of one that is there; line ends are those of the file."""
    assert with_declarations(name, before.encode(), [], {"heavy_guard": "restore"}).decode() == after


def test_what_is_no_text_is_refused() -> None:
    """And a file that isn't TOML, or that pytest reads nothing from."""
    with pytest.raises(CommandRefused, match=r"pytest reads no settings from mine\.conf"):
        with_declarations("mine.conf", b"", ["torch"])
    with pytest.raises(CommandRefused, match=r"pytest\.ini is not UTF-8"):
        with_declarations("pytest.ini", b"\xff", ["torch"])
    with pytest.raises(CommandRefused, match=r"pytest\.toml can't be read"):
        with_declarations("pytest.toml", b"[pytest", ["torch"])


WORDS = st.sampled_from(["a", "heavy", "heavy_modules_2", "x", "y"])
COMMENTS = st.sampled_from(["# one", "; two", "#", "#heavy_modules = no"])
INI_LINES = st.one_of(
    st.builds("{} = {}".format, WORDS, WORDS),
    COMMENTS,
    st.just(""),
    st.builds("[{}]".format, WORDS),
    st.just("heavy_modules = torch"),
    st.just("heavy_modules =\n    torch\n    # big\n    np = numpy"),
    st.just("heavy_guard = off"),
    st.just("[pytest]"),
)


def _ini(text: str) -> dict[str, dict[str, str]]:
    parsed = iniconfig.IniConfig("pytest.ini", text)
    return {section.name: dict(section.items()) for section in parsed}


@given(st.lists(INI_LINES, max_size=8), st.booleans())
@example(["[pytest]", "heavy_modules =\n    torch", "# after", "", "[x]"], True)
def test_an_ini_file_loses_nothing(lines: list[str], is_ended: bool) -> None:
    """Every other key, and every line that is a comment, is there as before; so is what was declared."""
    text = "\n".join(lines) + "\n" * is_ended
    try:
        before = _ini(text)
    except iniconfig.ParseError:
        return
    changed = with_declarations("pytest.ini", text.encode(), ["cv2"], {"heavy_guard": "restore"}).decode()
    after = _ini(changed)
    ours = after.pop("pytest")
    was = before.pop("pytest", {})
    assert after == before
    declared = was.pop("heavy_modules", "").split("\n")
    assert ours.pop("heavy_modules").split() == " ".join([*declared, "cv2"]).split()
    assert ours.pop("heavy_guard") == "restore"
    was.pop("heavy_guard", None)
    assert ours == was
    comments = [line for line in "\n".join(lines).split("\n") if line.lstrip()[:1] in ("#", ";") and line.strip()]
    assert [line for line in changed.split("\n") if line.lstrip()[:1] in ("#", ";") and line.strip()] == comments


TOML_PARTS = st.sampled_from(
    [
        "# alone\n",
        "\n",
        "[tool.ruff]\nline-length = 100 # wide\n",
        '[project]\nname = "x"\nkeywords = [\n  "a", # first\n  "b",\n]\n',
        "[tool.pytest.ini_options]\naddopts = '-ra' # all\n# below\n",
        "[tool.pytest.ini_options]\nheavy_modules = [\n    'torch', # big\n    # more\n]\n",
        "[tool.pytest]\naddopts = ['-ra']\n",
        "[[tool.x]]\ny = 1\n",
        "[tool.black]\n",
    ]
)


@given(st.lists(TOML_PARTS, max_size=6, unique=True))
def test_a_toml_file_loses_nothing(parts: list[str]) -> None:
    """Each line that was there is there as before, in its order, or nothing is written."""
    text = "".join(parts)
    try:
        tomlkit.parse(text)
        changed = with_declarations("pyproject.toml", text.encode(), ["cv2"], {"heavy_guard": "restore"}).decode()
    except (tomlkit.exceptions.TOMLKitError, CommandRefused):
        return
    added = iter(changed.splitlines())
    assert all(line in added for line in text.splitlines() if line.strip())
    assert '"cv2"' in changed and 'heavy_guard = "restore"' in changed
