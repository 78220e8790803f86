"""What is to be written into the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_heavyimports.config.changes import diff, write_all
from pytest_heavyimports.doctor.configuration import Proposal, change_for, settings_for
from pytest_heavyimports.doctor.records import Break, Diagnosis, SeenRun, Slow

RUN = SeenRun((), 0, 1.0, "/p", "")


def settings(*slow: Slow, breaks: tuple[str, ...] = (), guard: str = "off", **declared: str) -> Proposal:
    run = RUN._replace(guard=guard, declared=declared)
    found = tuple(Break((name,), "left", "x", "", (), 1, "") for name in breaks)
    return settings_for(Diagnosis(run, found, slow, (), (), 0))


def slow(name: str, us: int = 900_000, tests: int = 3, *, is_own: bool = False) -> Slow:
    return Slow(name, is_own, us, 1, "x:1", tests, tests)


def test_what_is_slow_or_broken_is_declared() -> None:
    """With the guard where something breaks; but no own module, and nothing that is quick or that no test needs."""
    assert settings(slow("torch")) == Proposal(("torch",), "")
    assert settings(slow("torch"), breaks=("numpy.linalg",)) == Proposal(("numpy", "torch"), "restore")
    assert settings(slow("app", is_own=True), slow("pandas", 400_000), slow("cv2", tests=0)) == Proposal((), "")


def test_what_is_set_stays() -> None:
    """A declaration under another alias, and a guard that is on."""
    assert settings(slow("numpy"), breaks=("numpy",), guard="error", np="numpy") == Proposal((), "")
    assert settings(breaks=("numpy",), np="numpy") == Proposal((), "restore")
    assert not settings(slow("numpy"), np="numpy")


def test_a_module_with_the_name_of_a_fixture_has_an_alias() -> None:
    """Or pytest would refuse the declaration."""
    assert settings(slow("testdir")).modules == ("heavy_testdir = testdir",)


def test_lines_to_type() -> None:
    """Where there can be no diff."""
    assert Proposal(("torch",), "restore").lines() == ["heavy_modules =", "    torch", "heavy_guard = restore"]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pytest.ini", "[pytest]\n", "[pytest]\nheavy_modules =\n    torch\nheavy_guard = restore\n"),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options] # here\nx = 1\n",
            '[tool.pytest.ini_options] # here\nx = 1\nheavy_modules = [\n    "torch",\n]\nheavy_guard = "restore"\n',
        ),
    ],
)
def test_the_file_that_pytest_reads_is_changed(tmp_path: Path, name: str, before: str, after: str) -> None:
    """A link stays a link, and the mode stays."""
    file = tmp_path / "real" / name
    file.parent.mkdir()
    file.write_text(before, encoding="utf-8")
    file.chmod(0o640)
    (tmp_path / name).symlink_to(file)
    change = change_for(Proposal(("torch",), "restore"), inifile=str(tmp_path / name), root_directory=str(tmp_path))
    assert change.shown == name
    write_all([change])
    assert file.read_text(encoding="utf-8") == after
    assert (tmp_path / name).is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_project_without_a_file_gets_a_pytest_ini(tmp_path: Path) -> None:
    """In the root directory."""
    change = change_for(Proposal((), "restore"), inifile="", root_directory=str(tmp_path))
    assert list(diff(change))[:2] == ["--- /dev/null", "+++ b/pytest.ini"]
    write_all([change])
    assert (tmp_path / "pytest.ini").read_text(encoding="utf-8") == "[pytest]\nheavy_guard = restore\n"
