"""What executes a module again."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan.rules.module_reload import RULE

from ..checks import check_found, check_noop


@pytest.mark.parametrize(
    "text",
    [
        "import importlib, app.worker\nimportlib.reload(app.worker)",
        "import importlib, json\nimportlib.reload(json)",
        "page.reload()  # torch",
    ],
    ids=["one's own", "light", "something else"],
)
def test_other_modules_can_be_reloaded(text: str) -> None:
    """One's own that imports torch too: torch itself is not executed."""
    check_noop(RULE.name, text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import torch, importlib\nimportlib.reload(torch)", "torch"),
        ("import torch.overrides, importlib\nimportlib.reload(torch.overrides)", "torch.overrides"),
        ("from importlib import reload; from torch import overrides as o\nreload(o)", "torch.overrides"),
        ("import importlib, sys\nimportlib.reload(sys.modules['torch'])", "torch"),
        ("import importlib, app.stages as s\nimportlib.reload(s)", "app.stages"),
    ],
)
def test_declared_modules_are_found_by_any_name(text: str, name: str) -> None:
    """As the file's imports bind it."""
    check_found(RULE.name, f"{text}\n", {2: f"{name!r} is reloaded"})
