"""What is declared, with the installed version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...support.suite import SAMPLES

if TYPE_CHECKING:
    from ...support.installed import Installed


def test_each_declaration_has_a_line(fresh: Callable[..., str], installed: Installed) -> None:
    """Fixture, object, installed version and place stand in columns, and nothing is imported."""
    code = """
    import sys
    from pytest_heavyimports.config.declarations import parse_line
    from pytest_heavyimports.report.listing import listing

    lines = ["plainpkg", "cv = cvlike >= 4.9", "greet = counted:greet", "torchless >= 2", "opened = cvlike < 5"]
    declared = [parse_line(line, f"pytest.ini, line {number}") for number, line in enumerate(lines, 1)]
    print("\\n".join(listing(declared)))
    assert not {"plainpkg", "cvlike", "counted"} & set(sys.modules)
    """
    printed = fresh(code, path=(installed.site, SAMPLES), **installed.environment)
    assert printed.splitlines() == [
        "fixture    gives           installed                    declared in",
        "plainpkg   plainpkg        2.3.1                        pytest.ini, line 1",
        "cv         cvlike >= 4.9   4.8.0, excluded              pytest.ini, line 2",
        "greet      counted:greet   yes, in the code under test  pytest.ini, line 3",
        "torchless  torchless >= 2  no                           pytest.ini, line 4",
        "opened     cvlike < 5      4.8.0                        pytest.ini, line 5",
    ]


def test_a_version_that_is_excluded_is_not_called_too_old(fresh: Callable[..., str], installed: Installed) -> None:
    """A version that is too new for the declaration doesn't satisfy it, but is not too old."""
    code = """
    from pytest_heavyimports.config.declarations import parse_line
    from pytest_heavyimports.report.listing import listing

    print(list(listing([parse_line("cvlike < 4.5", "pytest.ini, line 1")]))[1])
    """
    printed = fresh(code, path=(installed.site,), **installed.environment)
    assert "4.8.0" in printed
    assert "too old" not in printed
