"""What throws modules out of ``sys.modules``."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan.rules.eviction import RULE

from ..checks import check_found, check_noop


@pytest.mark.parametrize(
    "statement",
    [
        "del sys.modules['yaml']",
        "sys.modules.pop('app.schemas', None)",
        "monkeypatch.setitem(sys.modules, 'yaml', None)",
        "assert 'torch' in sys.modules",
        "modules.pop('torch')",
        "monkeypatch.delitem(os.environ, 'torch')",
    ],
)
def test_light_modules_and_other_tables_are_none(statement: str) -> None:
    """Only heavy modules in that one table count."""
    check_noop(RULE.name, f"import sys\n\ndef test_it(monkeypatch):\n    {statement}\n")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("del sys.modules['torch']", "'torch' is thrown out of sys.modules"),
        ("sys.modules.pop('torch.nn', None)", "'torch.nn' is thrown out of sys.modules"),
        ("sys.modules.pop('app.worker')", "'app.worker' is thrown out of sys.modules"),
        ("del sys.modules[name]", "modules that the text doesn't name are thrown out of sys.modules"),
        ("sys.modules.clear()", "sys.modules.clear() throws out heavy modules with all others"),
        ("monkeypatch.delitem(sys.modules, 'torch')", "'torch' is thrown out of sys.modules for one test"),
        ("monkeypatch.setitem(sys.modules, 'torch', None)", "'torch' is thrown out of sys.modules for one test"),
        (
            "mock.patch.dict('sys.modules', {'yaml': None})",
            "what is first imported inside of patch.dict is thrown out of sys.modules at its end",
        ),
        (
            "patch.dict(sys.modules)",
            "what is first imported inside of patch.dict is thrown out of sys.modules at its end",
        ),
    ],
)
def test_each_way_is_found(statement: str, message: str) -> None:
    """By subscript, method, monkeypatch and mock."""
    check_found(RULE.name, f"import sys\n\ndef test_it(monkeypatch):\n    {statement}\n", {4: message})


HIDDEN = "what is first imported inside of patch.dict is thrown out of sys.modules at its end"


@pytest.mark.parametrize(
    "text",
    [
        "def test_it():\n    with patch.dict('sys.modules', {'yaml': None}):\n        import app.schemas\n",
        "def test_it():\n    with patch.dict(sys.modules, {'torch': None, 'yaml': None}):\n        import app.worker\n",
        "@patch.dict('sys.modules', {'yaml': None})\ndef test_it():\n    import app.schemas\n",
        "@mock.patch.dict('sys.modules', {'yaml': None})\nclass TestIt:\n    def test_it(self): pass\n",
        "import torch\n\ndef test_it():\n    with patch.dict('sys.modules', {'yaml': None}):\n        run()\n",
    ],
)
def test_what_only_hides_modules_is_none(text: str) -> None:
    """It restores what was there, and nothing else that is heavy is imported as long as it lasts."""
    check_noop(RULE.name, f"import sys\nfrom unittest import mock\nfrom unittest.mock import patch\n\n{text}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def test_it():\n    with patch.dict('sys.modules', {'yaml': None}):\n        import torch\n", 3),
        ("def test_it():\n    with patch.dict('sys.modules', {'yaml': None}):\n        import app.worker\n", 3),
        ("@patch.dict('sys.modules', {'yaml': None})\ndef test_it():\n    import torch\n", 2),
        ("def test_it():\n    with patch.dict('sys.modules', {'yaml': Mock()}):\n        run()\n", 3),
        ("def test_it():\n    with patch.dict('sys.modules', {name: None}):\n        run()\n", 3),
        ("def test_it():\n    with patch.dict('sys.modules', {}):\n        run()\n", 3),
        ("def test_it():\n    with patch.dict('sys.modules', {'yaml': None}, clear=True):\n        run()\n", 3),
        ("def test_it():\n    patch.dict('sys.modules', {'yaml': None}).start()\n", 3),
    ],
)
def test_what_does_more_than_hide_is_found(text: str, line: int) -> None:
    """A heavy import under it is thrown out at its end, and what it calls may do one where a fake is."""
    check_found(RULE.name, f"import sys\n{text}", {line: HIDDEN})
