"""The program of a probe's child, in an interpreter that ends as others do."""

from __future__ import annotations

import marshal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
    import posix
    import runpy
    import sys

    from pytest_heavyimports.probe.process import CHILD

    posix._exit = sys.exit
    runpy.run_path(str(CHILD), run_name="__main__")
    """

Report = dict[str, Any]


@pytest.fixture
def report(fresh: Callable[..., str], tmp_path: Path) -> Callable[[str], Report]:
    """Writes a module, has it imported, and gives what is told of that."""

    def report(source: str) -> Report:
        (tmp_path / "app.py").write_text(source, encoding="utf-8")
        request = {"fullname": "app", "path": [str(tmp_path), *sys.path], "alarm_s": 60}
        (tmp_path / "request").write_bytes(marshal.dumps(request))
        fresh(PROGRAM, str(tmp_path))
        told: Report = marshal.loads((tmp_path / "report").read_bytes())
        assert not (tmp_path / "report.part").exists()
        return told

    return report


def test_imports_in_order_and_who_imports_whom(report: Callable[[str], Report], tmp_path: Path) -> None:
    """A part before its module's other imports, a module that fails, and one that is put in by hand."""
    for name in ("light", "dark", "pack/__init__", "pack/part"):
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text("1 / 0\n" if name == "dark" else "", encoding="utf-8")
    told = report(
        """if True:
        import sys, types
        import pack.part
        try:
            import dark
        except ZeroDivisionError:
            import light
        sys.modules["by_hand"] = types.ModuleType("by_hand")
        """
    )
    own = {"app", "pack", "pack.part", "dark", "light", "by_hand"}
    shown = [(*each[:2], told["imports"][each[2]][0] if each[2] >= 0 else "", *each[3:6]) for each in told["imports"]]
    file = str(tmp_path / "app.py")
    first, *others = (each for each in shown if each[0] in own)
    assert first[:3] == ("app", True, "")
    assert others == [
        ("pack", True, "app", "app", file, 3),
        ("pack.part", True, "app", "app", file, 3),
        ("dark", False, "app", "app", file, 5),
        ("light", True, "app", "app", file, 7),
        ("by_hand", True, "app", "", "", 0),
    ]
    assert told["seconds"] > 0
    assert told["peak_bytes"] is None or told["peak_bytes"] > 2**20
    assert "sys" in told["at_start"]


@pytest.mark.parametrize(
    ("source", "failure", "text", "further"),
    [
        ("1 / 0", "ZeroDivisionError", "ZeroDivisionError: division by zero", {"missing": "", "code": ""}),
        (
            "import absent",
            "ModuleNotFoundError",
            "ModuleNotFoundError: No module named 'absent'",
            {"missing": "absent"},
        ),
        ("raise SystemExit(3)", "SystemExit", "SystemExit: 3", {"code": "3"}),
        ("f(", "SyntaxError", "SyntaxError: '(' was never closed", {}),
        (
            "class Odd(Exception):\n    def __str__(self):\n        raise KeyError\n\nraise Odd",
            "Odd",
            "app.Odd: <",  # and what it is called on this Python
            {},
        ),
    ],
)
def test_failures(
    report: Callable[[str], Report], source: str, failure: str, text: str, further: dict[str, str]
) -> None:
    """The type, the first line, the traceback from the module on, what is missing, and the code of an exit."""
    told = report(source)
    assert told["failure"] == failure
    assert told["text"].startswith(text)
    assert {name: told[name] for name in further} == further
    assert "app.py" in told["trace"]
    assert "probe/child.py" not in told["trace"]
