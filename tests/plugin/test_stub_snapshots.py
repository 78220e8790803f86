"""A run that has stand-ins, and would write what they give into snapshots."""

from __future__ import annotations

import pytest

from ..support.suite import Suite, usage_errors

# As the plugins define them: syrupy, pytest-snapshot, pytest-regressions, inline-snapshot with its shortcut --fix.
FLAGS = """
def pytest_addoption(parser):
    parser.addoption("--snapshot-update", action="store_true", dest="update_snapshots")
    parser.addoption("--snapshot-update-new-only", action="store_true", dest="update_new_snapshots_only")
    parser.addoption("--snapshot-rewrite", action="store_true", dest="snapshot_update")
    parser.addoption("--force-regen", action="store_true", default=False)
    parser.addoption("--regen-all", action="store_true", default=False)
    parser.addoption("--inline-snapshot", dest="inline_snapshot")
    parser.addoption("--fix", action="store_const", const="create,fix", dest="inline_snapshot")
"""
WRITING = {
    "--snapshot-update": "--snapshot-update",
    "--snapshot-update-new-only": "--snapshot-update-new-only",
    "--snapshot-rewrite": "--snapshot-update",
    "--force-regen": "--force-regen",
    "--regen-all": "--regen-all",
    "--inline-snapshot=fix": "--inline-snapshot=fix",
    "--inline-snapshot=report,trim": "--inline-snapshot=trim",
    "--fix": "--inline-snapshot=create,fix",
}


@pytest.fixture
def suite_with_snapshots(suite: Suite) -> Suite:
    """One test, and the flags."""
    suite.write("conftest.py", FLAGS)
    suite.tests("def test_it(): pass\n")
    return suite


@pytest.mark.parametrize("flag", WRITING)
def test_snapshots_are_not_written_from_stand_ins(suite_with_snapshots: Suite, flag: str) -> None:
    """A usage error says which flag, and which stand-ins."""
    assert usage_errors(suite_with_snapshots.run("--heavy-stub=torch", flag)) == [
        f"{WRITING[flag]}: this run has stand-ins of 'torch' (--heavy-stub=torch), and what they give would be written "
        "into snapshots. Update snapshots in a run with the real modules."
    ]


def test_stand_ins_of_the_ini_file_are_named(suite_with_snapshots: Suite) -> None:
    """With the place that asks for them."""
    suite_with_snapshots.declare(heavy_stub="torch")
    (error,) = usage_errors(suite_with_snapshots.run("--force-regen"))
    assert "stand-ins of 'torch' (pytest.ini, [pytest]), and what" in error


@pytest.mark.parametrize(
    "arguments", [["--snapshot-update"], ["--heavy-stub=torch", "--inline-snapshot=report"], ["--heavy-stub=torch"]]
)
def test_other_runs_go_their_way(suite_with_snapshots: Suite, arguments: list[str]) -> None:
    """Without stand-ins, or without anything that is written."""
    suite_with_snapshots.run(*arguments).assert_outcomes(passed=1)
