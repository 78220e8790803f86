"""One line of heavy_modules."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_heavyimports import InvalidDeclaration
from pytest_heavyimports.config.declarations import HeavyModule, merge, parse_line

GOOD = {
    "torch": ("torch", "torch", "", ""),
    "torch >= 2.4": ("torch", "torch", "", ">= 2.4"),
    "torch>=2.4": ("torch", "torch", "", ">=2.4"),
    "  torch  ": ("torch", "torch", "", ""),
    "torch  # the CPU build will do": ("torch", "torch", "", ""),
    "torch == 2.4": ("torch", "torch", "", "== 2.4"),
    "torch === 2.4": ("torch", "torch", "", "=== 2.4"),
    "torch != 2.5, >= 2.4": ("torch", "torch", "", "!= 2.5, >= 2.4"),
    "torch ~= 2.4": ("torch", "torch", "", "~= 2.4"),
    "torch < 3": ("torch", "torch", "", "< 3"),
    "np = numpy": ("np", "numpy", "", ""),
    "np=numpy": ("np", "numpy", "", ""),
    "np = numpy >= 1.20, < 3": ("np", "numpy", "", ">= 1.20, < 3"),
    "np=numpy==2.*": ("np", "numpy", "", "==2.*"),
    "src.worker.pipeline": ("pipeline", "src.worker.pipeline", "", ""),
    "pipeline = src.worker.pipeline": ("pipeline", "src.worker.pipeline", "", ""),
    "update_status = src.worker.pipeline:_update_status": (
        "update_status",
        "src.worker.pipeline",
        "_update_status",
        "",
    ),
    "src.app:create": ("create", "src.app", "create", ""),
    "src.app:App.create": ("create", "src.app", "App.create", ""),
    "create = src.app:App.create >= 1": ("create", "src.app", "App.create", ">= 1"),
    "cv2 >= 4.8": ("cv2", "cv2", "", ">= 4.8"),
}

BAD = {
    "torch >> 2": "'torch >> 2' can't be read: '>> 2' is no version specifier. Write it as 'torch >= 2'.",
    "numpy 2": "'numpy 2' can't be read: '2' is no version specifier. Write it as 'numpy >= 2'.",
    "np = numpy => 2": "'np = numpy => 2' can't be read: '=> 2' is no version specifier. "
    "Write it as 'np = numpy >= 2'.",
    "torch latest": (
        "'torch latest' can't be read: 'latest' is no version specifier. "
        "Write one module a line, as 'np = numpy' or 'torch >= 2.4'."
    ),
    "": "'' can't be read: it names no module. Write it as 'np = numpy'.",
    "# torch": "'' can't be read: it names no module. Write it as 'np = numpy'.",
    "np =": "'np =' can't be read: it names no module. Write it as 'np = numpy'.",
    ">= 2": "'>= 2' can't be read: it names no module. Write it as 'np = numpy'.",
    "scikit-learn": "'scikit-learn' can't be read: 'scikit-learn' is no module or module:attribute. "
    "Name the module that tests import, not the distribution that pip installs ('cv2', 'sklearn').",
    ".pipeline": "'.pipeline' can't be read: '.pipeline' is no module or module:attribute. "
    "Name the module that tests import, not the distribution that pip installs ('cv2', 'sklearn').",
    "src/worker/pipeline.py": "'src/worker/pipeline.py' can't be read: 'src/worker/pipeline.py' is no module or "
    "module:attribute. Write it as 'src.worker.pipeline'.",
    "p = ./src/pipeline": "'p = ./src/pipeline' can't be read: './src/pipeline' is no module or module:attribute. "
    "Write it as 'p = src.pipeline'.",
    "src.app:": "'src.app:' can't be read: 'src.app:' is no module or module:attribute. "
    "Write it as 'module:attribute'.",
    "src.app:create:it": "'src.app:create:it' can't be read: 'src.app:create:it' is no module or module:attribute. "
    "Write it as 'module:attribute'.",
    ":create": "':create' can't be read: ':create' is no module or module:attribute. Write it as 'module:attribute'.",
    "my-np = numpy": "'my-np = numpy' can't be read: 'my-np' can't be the name of a fixture. "
    "Write it as 'my_np = numpy'.",
    "my np = numpy": "'my np = numpy' can't be read: 'my np' can't be the name of a fixture. "
    "Write it as 'my_np = numpy'.",
    "class = numpy": "'class = numpy' can't be read: 'class' can't be the name of a fixture. "
    "Write it as 'class_ = numpy'.",
    "= numpy": "'= numpy' can't be read: '' can't be the name of a fixture. Write it as 'alias = numpy'.",
    "src.lambda": "'src.lambda' can't be read: 'lambda' can't be the name of a fixture. "
    "Write it as 'lambda_ = src.lambda'.",
}


@pytest.mark.parametrize("line", GOOD)
def test_good_lines(line: str) -> None:
    """A line gives an alias, a module, attributes in it and version specifiers."""
    module = parse_line(line, "pytest.ini, line 1")
    assert (module.alias, module.fullname, module.attributes, module.specifiers) == GOOD[line]
    assert str(module) == f"{line.partition('#')[0].strip()!r} (pytest.ini, line 1)"


@pytest.mark.parametrize("line", BAD)
def test_bad_lines(line: str) -> None:
    """A line that can't be read is quoted, with its fault and what to type."""
    with pytest.raises(InvalidDeclaration) as caught:
        parse_line(line)
    assert str(caught.value) == BAD[line]


_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True)
_dotted = st.lists(_names, min_size=1, max_size=3).map(".".join)
_versions = st.from_regex(r"(>=|<=|<|>|==|!=|~=) ?[0-9]\.[0-9]", fullmatch=True)
_specifiers = st.lists(_versions, max_size=2).map(", ".join)
_lines = st.builds(
    lambda alias, module, attribute, specifiers: f"{alias}{module}{attribute} {specifiers}",
    st.one_of(st.just(""), _names.map("{} = ".format)),
    _dotted,
    st.one_of(st.just(""), _dotted.map(":{}".format)),
    _specifiers,
)
_texts = st.one_of(_lines, st.text(max_size=30), st.text(alphabet="ab1 .:=<>~!,#-/\n\t\\'", max_size=20))


def _printed(module: HeavyModule) -> str:
    return f"{module.alias} = {module.reference} {module.specifiers}"


@given(_texts)
@example("create = src.app:App.create >= 1, < 2")
@example("a b\nc")
def test_what_can_be_read_can_be_written_and_read_again(text: str) -> None:
    """Any text is a declaration or an InvalidDeclaration, and a declaration means the same when it is printed."""
    try:
        module = parse_line(text)
    except InvalidDeclaration:
        return
    again = parse_line(_printed(module))
    assert again._replace(line="") == module._replace(line="")


@pytest.mark.parametrize(
    "line", [*BAD, "torch >= 2.x", "2d = numpy", "/", "my-app/run.py", "torch [2]", "1", "é-1 = a"]
)
def test_what_is_proposed_can_be_read(line: str) -> None:
    """Whoever types what the message says gets no second message."""
    with pytest.raises(InvalidDeclaration) as caught:
        parse_line(line)
    for proposal in re.findall(r"Write it as '(.*)'\.", caught.value.remedy):
        parse_line(proposal)


def test_a_proposed_alias_keeps_the_versions() -> None:
    """A line with versions and a bad alias is given back with its versions."""
    with pytest.raises(InvalidDeclaration) as caught:
        parse_line("my-np = numpy >= 2")
    assert caught.value.remedy == "Write it as 'my_np = numpy >= 2'."


def test_reference_is_the_entry_point_syntax() -> None:
    """A declaration of an object is ``module:attribute``, that of a module its name."""
    assert parse_line("torch >= 2").reference == "torch"
    assert parse_line("make = src.app:App.create").reference == "src.app:App.create"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("torch", "torch", ""),
        ("torch >= 2", "torch", ">= 2"),
        ("torch", "torch >= 2", ">= 2"),
        ("torch >= 2", "torch >= 2", ">= 2"),
        ("torch >= 2", "torch < 3", ">= 2,< 3"),
    ],
)
def test_one_thing_declared_twice_must_satisfy_both(first: str, second: str, expected: str) -> None:
    """Two declarations of one thing become one, whose versions are those of both."""
    assert merge(parse_line(first), parse_line(second)).specifiers == expected
