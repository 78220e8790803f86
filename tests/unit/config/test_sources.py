"""Where lines of ``heavy_modules`` come from."""

from __future__ import annotations

import email.message  # noqa: F401  # importlib.metadata imports it late, when these tests have another sys.path
import sys
from importlib.machinery import PathFinder
from importlib.metadata import MetadataPathFinder, PathDistribution
from pathlib import Path
from typing import Any

import pluggy
import pytest

from pytest_heavyimports.config.sources import (
    UNNAMED_CACHE_KEY,
    all_lines,
    from_entry_points,
    from_hooks,
    from_ini,
    plugin_name,
)

from ...support.configs import Config


class Specification:
    """The hook."""

    @pytest.hookspec
    def pytest_heavy_modules(self, config: object) -> None: ...


def configured(directory: Path, *plugins: tuple[str, object], **ini: Any) -> Any:
    """A configuration with plugins, each of which gives something from the hook."""

    class Plugin:
        def __init__(self, given: object) -> None:
            self.given = given

        @pytest.hookimpl
        def pytest_heavy_modules(self, config: object) -> object:  # noqa: ARG002  # as pytest calls it
            return self.given

    config: Any = Config(directory, **ini)
    config.pluginmanager = pluggy.PluginManager("pytest")
    config.pluginmanager.add_hookspecs(Specification)
    for name, given in plugins:
        config.pluginmanager.register(Plugin(given), name)
    return config


def test_lines_of_the_file_are_counted(tmp_path: Path) -> None:
    """From one."""
    config = configured(tmp_path, heavy_modules=["torch", "cv = cv2"])
    assert list(from_ini(config, [])) == [
        ("torch", "pytest.ini, [pytest], line 1 of heavy_modules"),
        ("cv = cv2", "pytest.ini, [pytest], line 2 of heavy_modules"),
    ]


def test_lines_of_plugins_are_named_after_them(tmp_path: Path) -> None:
    """A conftest file by its path; one text is one line."""
    config = configured(tmp_path, ("mine", "torch"), (str(tmp_path / "sub" / "conftest.py"), ["a", "b"]))
    faults: list[str] = []
    assert sorted(from_hooks(config, faults)) == [
        ("a", "sub/conftest.py, line 1 of pytest_heavy_modules"),
        ("b", "sub/conftest.py, line 2 of pytest_heavy_modules"),
        ("torch", "plugin 'mine', line 1 of pytest_heavy_modules"),
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (
            {"np": "numpy"},
            "heavy_modules: plugin 'mine' gives {'np': 'numpy'} from pytest_heavy_modules. Return a list "
            "of lines, such as ['np = numpy'].",
        ),
        (
            5,
            "heavy_modules: plugin 'mine' gives 5 from pytest_heavy_modules. Return a list of lines, such as "
            "['np = numpy'].",
        ),
        ([5], "heavy_modules: 5 is no text (plugin 'mine', pytest_heavy_modules)."),
    ],
)
def test_what_is_no_list_of_texts_is_told(tmp_path: Path, given: object, fault: str) -> None:
    """With the plugin."""
    faults: list[str] = []
    assert list(from_hooks(configured(tmp_path, ("mine", given)), faults)) == []
    assert faults == [fault]


def test_the_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then hooks, then distributions."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    config = configured(tmp_path, ("mine", ["a"]), heavy_modules=["b"])
    assert [line for line, _ in all_lines(config, [])] == ["b", "a"]


def test_plugins_are_named(tmp_path: Path) -> None:
    """A conftest file outside of the root directory by its whole path."""
    config: Any = Config(tmp_path)
    assert plugin_name(config, "mine") == "plugin 'mine'"
    assert plugin_name(config, "/elsewhere/conftest.py") == "/elsewhere/conftest.py"


class Cache:
    """pytest's, of a project in which tests have run."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {"cache/nodeids": ["test_it.py::test_it"]}

    def get(self, key: str, default: Any) -> Any:
        return self.kept.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.kept[key] = value


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory that distributions are installed in."""
    directory = tmp_path / "site-packages"
    directory.mkdir()
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "absent"), str(directory)])
    monkeypatch.setattr(sys, "meta_path", [PathFinder])
    # importlib_metadata has put a finder of its own in the place of Python's.
    standard = MetadataPathFinder.find_distributions
    monkeypatch.setattr(PathFinder, "find_distributions", standard, raising=False)
    return directory


def install(site: Path, name: str, entry_points: str) -> None:
    """Install a distribution."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(entry_points, encoding="utf-8")


def test_distributions_declare_by_entry_point(site: Path) -> None:
    """Those that have our group."""
    install(site, "other", "[console_scripts]\nx = y:z\n")
    install(site, "declarer", "[pytest_heavyimports]\nanswer = plain:answer\n")
    assert list(from_entry_points(Config(site))) == [  # type: ignore[arg-type]  # a fake
        ("answer = plain:answer", "distribution 'declarer', entry point 'answer' of pytest_heavyimports")
    ]


def test_nobody_is_asked_where_plugins_are_not_loaded(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for pytest's own entry points."""
    install(site, "declarer", "[pytest_heavyimports]\nanswer = plain:answer\n")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert list(from_entry_points(Config(site))) == []  # type: ignore[arg-type]  # a fake


def test_directories_without_the_group_are_remembered(site: Path) -> None:
    """Until something is installed there."""
    config: Any = Config(site)
    config.cache = Cache()
    install(site, "other", "[console_scripts]\nx = y:z\n")
    assert list(from_entry_points(config)) == []
    assert list(config.cache.kept[UNNAMED_CACHE_KEY]) == [str(site)]
    (site / "other-1.0.dist-info" / "entry_points.txt").write_text("[pytest_heavyimports]\nx = y\n", encoding="utf-8")
    assert list(from_entry_points(config)) == []  # an install is seen by the directory
    install(site, "declarer", "[pytest_heavyimports]\nanswer = plain:answer\n")
    assert sorted(line for line, _ in from_entry_points(config)) == ["answer = plain:answer", "x = y"]


def test_a_finder_of_somebodys_own_is_asked(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its distributions lie in no directory."""
    install(site, "declarer", "[pytest_heavyimports]\nanswer = plain:answer\n")

    class Finder:
        @staticmethod
        def find_distributions(*_: object) -> list[PathDistribution]:
            return [PathDistribution(site / "declarer-1.0.dist-info")]

    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [PathFinder, Finder])
    assert len(list(from_entry_points(Config(site)))) == 1  # type: ignore[arg-type]  # a fake
