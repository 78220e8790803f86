"""One file, looked at by all rules."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan import examine as examining
from pytest_heavyimports.scan.examine import Asked, Standard, examine, heavy_fixtures, read
from pytest_heavyimports.scan.records import FileResult
from pytest_heavyimports.scan.source import Naming

from .checks import HEAVINESS

STANDARD = Standard(HEAVINESS, Naming())


def asked(text: str, module: str = "", *fixtures: str) -> Asked:
    """A file with that text."""
    return Asked("test_it.py", module, text.encode(), frozenset(fixtures))


def test_findings_are_in_the_order_of_lines() -> None:
    """Whatever rule they are of; tests are counted."""
    text = (
        "import sys\n\ndef test_a():\n    import torch\n    del sys.modules['torch']\n\n"
        "def test_b():\n    import torch\n\ndef test_c(): pass\n"
    )
    result = examine(asked(text), STANDARD)
    assert [(finding.line, finding.rule) for finding in result.findings] == [
        (4, "function-import"),
        (5, "eviction"),
        (8, "function-import"),
    ]
    assert (result.is_heavy, result.light_tests, result.heavy_tests) == (False, 1, 2)


@pytest.mark.parametrize(
    ("text", "module", "fixtures"),
    [("import torch", "", ()), ("def test_it(net): pass", "", ("net",)), ("from . import x", "tests.test_it", ())],
)
def test_a_file_that_may_matter_is_parsed(
    text: str, module: str, fixtures: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a word of something heavy, a heavy fixture, or imports from where it lies."""

    def parse(*_: object) -> None:
        raise SyntaxError("it is parsed")

    monkeypatch.setattr(examining, "read", parse)
    assert examine(asked(text, module, *fixtures), STANDARD).fault == "it is parsed"


def test_a_file_without_such_a_word_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tests are counted by their names, as the configuration has them; torchvision is not torch."""
    monkeypatch.setattr(examining, "read", None)
    text = (
        "import torchvision\ndef test_a(): pass\nclass TestB:\n    async def test_b(self): pass\ndef helper(): pass\n"
    )
    assert examine(asked(text), STANDARD) == FileResult(light_tests=2)


def test_a_file_of_a_heavy_package_is_heavy() -> None:
    """Its package is imported with it."""
    assert examine(asked("def test_it(): pass\n", "app.worker.test_it"), STANDARD).is_heavy


@pytest.mark.parametrize(
    ("text", "fault"),
    [("import torch\nf(:\n", "invalid syntax (line 2)"), ("torch\0", "source code string cannot contain null bytes")],
)
def test_what_is_no_python_is_told(text: str, fault: str) -> None:
    """With the line, where Python says one."""
    assert examine(asked(text), STANDARD).fault.startswith(fault)
    assert heavy_fixtures(asked(text), STANDARD) == frozenset()


def test_an_ignored_finding_is_none() -> None:
    """By a comment that names its rule."""
    text = "def test_it():\n    import torch  # heavyimports: ignore[function-import]\n"
    assert examine(asked(text), STANDARD).findings == ()


def test_heavy_fixtures() -> None:
    """Those that import something heavy, or give it."""
    text = "import pytest\n\n@pytest.fixture\ndef net():\n    import torch\n\n@pytest.fixture\ndef light(): pass\n"
    assert heavy_fixtures(asked(text), STANDARD) == {"net"}


def test_a_mark_of_utf_8_and_odd_characters_do_no_harm() -> None:
    """A file that begins with a byte order mark, and one with a byte that is no UTF-8."""
    assert read(Asked("test_it.py", "", b"\xef\xbb\xbfimport torch\n", frozenset()), STANDARD).is_heavy
    assert read(Asked("test_it.py", "", b"import torch  # \xff\n", frozenset()), STANDARD).is_heavy
