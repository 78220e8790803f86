"""Settings: what is taken, what is refused, and where it was written."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from pytest_heavyimports.config import options
from pytest_heavyimports.config.options import Settings, ini_source, read_settings, stub_fault, stub_names, warm_idle_s

from ...support.configs import Config


def read(directory: Path, flags: dict[str, Any] | None = None, **ini: Any) -> tuple[Settings, list[str]]:
    """The settings of a pytest.ini, and flags."""
    return read_settings(Config(directory, **ini), Namespace(**(flags or {})))  # type: ignore[arg-type]  # a fake


def test_by_default_nothing_is_asked_for(tmp_path: Path) -> None:
    """Nothing is done before the first conftest file, and nothing is measured."""
    settings, faults = read(tmp_path)
    assert faults == []
    assert (settings.missing, settings.gc, settings.guard, settings.order) == ("skip", "pause", "off", "keep")
    assert (settings.preload, settings.defer, settings.report) == (False, False, True)
    assert (settings.xdist_workers, settings.isolate_timeout, settings.cuda_leak) == (0, 300, "off")
    assert not settings.is_early
    assert not settings.is_measured


def test_a_flag_goes_before_the_key(tmp_path: Path) -> None:
    """Where it was given."""
    settings, _ = read(tmp_path, {"heavy_guard": "error", "heavy_gc": None}, heavy_guard="restore", heavy_gc="off")
    assert (settings.guard, settings.gc) == ("error", "off")


@pytest.mark.parametrize("ini", [{"heavy_guard": "error"}, {"heavy_preload": True}, {"heavy_stub": ["torch"]}])
def test_what_is_done_before_the_first_conftest_file(tmp_path: Path, ini: dict[str, Any]) -> None:
    """That alone: nothing is measured."""
    settings, _ = read(tmp_path, **ini)
    assert settings.is_early
    assert not settings.is_measured


@pytest.mark.parametrize(
    ("flags", "ini", "is_measured"),
    [
        ({"heavy_report_files": ["a.json"]}, {}, True),
        ({}, {"heavy_budget": ["torch < 1 s"]}, True),
        ({"verbose": 1}, {"heavy_guard": "restore"}, True),
        ({"verbose": 1}, {}, False),
        ({}, {"heavy_guard": "restore"}, False),
    ],
)
def test_what_is_measured(tmp_path: Path, flags: dict[str, Any], ini: dict[str, Any], *, is_measured: bool) -> None:
    """For a file, a budget, or a guard that tells much."""
    assert read(tmp_path, flags, **ini)[0].is_measured is is_measured


@pytest.mark.parametrize(
    ("ini", "fault"),
    [
        ({"heavy_missing": "pause"}, "heavy_missing: 'pause' is none of skip, fail (pytest.ini, [pytest])."),
        ({"heavy_guard": "5"}, "heavy_guard: '5' is none of off, restore, error (pytest.ini, [pytest])."),
        ({"heavy_report": "html"}, "heavy_report: 'html' is none of on, off (pytest.ini, [pytest])."),
        ({"heavy_cuda_leak": "yes"}, "heavy_cuda_leak: 'yes' is none of off, warn, error (pytest.ini, [pytest])."),
        (
            {"heavy_xdist_workers": "-1"},
            "heavy_xdist_workers: '-1' is no number of workers (pytest.ini, [pytest]).",
        ),
        (
            {"heavy_xdist_threads": "0"},
            "heavy_xdist_threads: '0' is none of auto, off and a number (pytest.ini, [pytest]).",
        ),
        (
            {"heavy_cuda_leak_tolerance": "1 MiB"},
            "heavy_cuda_leak_tolerance: '1 MiB' is no number of bytes (pytest.ini, [pytest]).",
        ),
        (
            {"heavy_isolate_timeout": "0"},
            "heavy_isolate_timeout: '0' is no number of seconds (pytest.ini, [pytest]).",
        ),
        (
            {"heavy_isolate_timeout": "long"},
            "heavy_isolate_timeout: 'long' is no number of seconds (pytest.ini, [pytest]).",
        ),
        (
            {"heavy_stub": ["json"]},
            "heavy_stub: 'json' can't have a stand-in: Python and pytest need it (pytest.ini, [pytest]). "
            "Name a heavy module, such as 'torch'.",
        ),
        (
            {"heavy_protect": ["torch", "!my-package"]},
            "heavy_protect: '!my-package' is no module name (pytest.ini, [pytest], line 2 of heavy_protect). "
            "Write it as 'package.module'.",
        ),
        ({"heavy_preload": ValueError("no truth")}, "heavy_preload: no truth (pytest.ini, [pytest])."),
        ({"heavy_guard": TypeError("a list")}, "heavy_guard: a list (pytest.ini, [pytest])."),
    ],
)
def test_a_wrong_value_is_told_with_its_place(tmp_path: Path, ini: dict[str, Any], fault: str) -> None:
    """Nothing else is said."""
    assert read(tmp_path, **ini)[1] == [fault]


@pytest.mark.parametrize("line", ["my-package", "app/ops.py", "!", "a..b", "torch >= 2", "!!numpy", "app:run", ""])
def test_a_protected_name_is_that_of_a_module(tmp_path: Path, line: str) -> None:
    """All else is refused."""
    [fault] = read(tmp_path, heavy_protect=[line])[1]
    assert fault.startswith(f"heavy_protect: {line!r} is no module name ")


@pytest.mark.parametrize("line", ["torch", "torch.nn", "!numpy", "größe"])
def test_names_of_modules_are_protected(tmp_path: Path, line: str) -> None:
    """And ``!`` takes one away."""
    assert read(tmp_path, heavy_protect=[line])[1] == []


def test_a_report_in_no_known_format(tmp_path: Path) -> None:
    """The ends of names are told."""
    assert read(tmp_path, {"heavy_report_files": ["a.json", "a.txt"]})[1] == [
        "--heavy-report: 'a.txt' ends in none of .speedscope.json, .json, .html, .importtime.txt."
    ]


def test_who_asked_for_a_stand_in(tmp_path: Path) -> None:
    """A flag takes the place of the lines."""
    assert read(tmp_path, heavy_stub=["torch"])[0].stub == {"torch": "pytest.ini, [pytest]"}
    assert read(tmp_path, {"heavy_stub": ["cv2"]}, heavy_stub=["torch"])[0].stub == {"cv2": "--heavy-stub=cv2"}


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """And each value has its default."""
    settings, faults = read(tmp_path, heavy_guard="5", heavy_order="6", heavy_cuda_workers="many")
    assert len(faults) == 3
    assert (settings.guard, settings.order, settings.cuda_workers) == ("off", "keep", 0)


def test_settings_do_not_change(tmp_path: Path) -> None:
    """Whoever tries is refused."""
    with pytest.raises(AttributeError):
        read(tmp_path)[0].guard = "off"  # type: ignore[misc]  # mypy sees it too


@pytest.mark.parametrize(
    ("file", "text", "source"),
    [
        ("pytest.ini", "", "pytest.ini, [pytest]"),
        ("tox.ini", "", "tox.ini, [pytest]"),
        ("setup.cfg", "", "setup.cfg, [tool:pytest]"),
        ("pytest.toml", "", "pytest.toml, [pytest]"),
        (".pytest.toml", "", ".pytest.toml, [pytest]"),
        ("pyproject.toml", "[tool.pytest.ini_options]\n", "pyproject.toml, [tool.pytest.ini_options]"),
        ("pyproject.toml", "[tool.pytest]\n", "pyproject.toml, [tool.pytest]"),
    ],
)
def test_where_a_value_was_written(tmp_path: Path, file: str, text: str, source: str) -> None:
    """The file, from where pytest was started, and the table in it."""
    (tmp_path / file).write_text(text, encoding="utf-8")
    config: Any = Config(tmp_path, file)
    assert ini_source(config, "heavy_guard") == source
    config.invocation_params.dir = tmp_path / "elsewhere"
    assert ini_source(config, "heavy_guard") == f"{tmp_path}/{source}"


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    """For the key that was given; without a file, nothing was written."""
    config: Any = Config(tmp_path, override=("heavy_guard_more=x", "heavy_gc=off"))
    assert ini_source(config, "heavy_gc") == "command line, -o"
    assert ini_source(config, "heavy_guard") == "pytest.ini, [pytest]"
    without: Any = Config(tmp_path, "")
    assert ini_source(without, "heavy_guard") == "no configuration file"


def test_how_long_a_warm_process_waits(tmp_path: Path) -> None:
    """In whole seconds."""
    config: Any = Config(tmp_path, heavy_warm_idle="5")
    assert warm_idle_s(config) == 5
    wrong: Any = Config(tmp_path, heavy_warm_idle="1.5")
    with pytest.raises(pytest.UsageError, match=r"heavy_warm_idle: '1\.5' is no number of seconds \(pytest\.ini"):
        warm_idle_s(wrong)


@pytest.mark.parametrize("name", ["torch", "torch.nn", "größe"])
def test_what_can_have_a_stand_in(name: str) -> None:
    """Any module of somebody else's."""
    assert stub_fault(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *[(name, "it is no module name") for name in ("", "to-rch", "a..b", "torch:nn", 3, None)],
        *[(name, "Python and pytest need it") for name in ("json", "os.path", "pytest", "pluggy", "_pytest.config")],
        ("pytest_heavyimports.cli", "Python and pytest need it"),
    ],
)
def test_what_can_have_none(name: object, fault: str) -> None:
    """With a remedy."""
    found = stub_fault(name)
    assert found
    assert found[0] == fault
    assert found[1].endswith(".")


class Node:
    """A test with marks."""

    def __init__(self, *marks: pytest.MarkDecorator) -> None:
        self.marks = [decorator.mark for decorator in marks]

    def iter_markers(self, name: str | None = None) -> list[pytest.Mark]:
        return [mark for mark in self.marks if name in (None, mark.name)]


def test_marks_of_ours() -> None:
    """Those of others are not looked at; each module is named once."""
    node: Any = Node(
        pytest.mark.heavy_stub("torch", "cv2"), pytest.mark.skip, pytest.mark.heavy, pytest.mark.heavy_stub("torch")
    )
    assert [mark.name for _, mark in options.marks_of([node])] == ["heavy_stub", "heavy", "heavy_stub"]
    assert stub_names(node) == ["torch", "cv2"]
