"""What is noted while a package is imported: what it reads, what it does to others, and what it draws by chance."""

from __future__ import annotations

import atexit
import codecs
import os
import random
import sys
import types
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from pytest_heavyimports.warm.watching import ImportWatch, Scope
from pytest_heavyimports.warm.world import Called

HEAD = "import atexit, codecs, os, pathlib, random, subprocess, sys, threading, uuid\n"
FINDER = types.SimpleNamespace(find_spec=lambda *_: None)
Import = Callable[[str], tuple[ImportWatch, Scope]]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """A function that imports a package with this body, in an empty directory."""
    import subprocess  # noqa: F401  # these two are there before the package
    import uuid  # noqa: F401

    site, here = tmp_path / "site", tmp_path / "here"
    for directory in (site / "zinner", site / "zwatched", here):
        directory.mkdir(parents=True)
    (site / "zinner" / "__init__.py").write_text("VALUE = 1\n")
    (site / "zwatched" / "part.py").write_text("")
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(here)

    def imported(body: str) -> tuple[ImportWatch, Scope]:
        (site / "zwatched" / "__init__.py").write_text(HEAD + body)
        watch = ImportWatch()
        watch.begin_base()
        watch.world.begin()
        with watch.watching("zwatched"):
            import_module("zwatched")
        return watch, watch.by_module["zwatched"]

    yield imported
    for name in [name for name in sys.modules if name.startswith(("zwatched", "zinner"))]:
        del sys.modules[name]


@pytest.mark.parametrize("body", ["os.environ.get('ZED')", "os.environb.get(b'ZED')", "os.getenv('ZED')"])
def test_a_variable_that_is_asked_for(watched: Import, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """By its name, with what was found."""
    monkeypatch.setenv("ZED", "1")
    watch, _ = watched(body)
    assert (watch.read_variables["ZED"], watch.whole_environment) == ("1", {})


@pytest.mark.parametrize(
    "body",
    ["dict(os.environ)", "len(os.environb)", "[*os.environ.items()]", "subprocess.run(['true'])", "os.system('true')"],
)
def test_the_environment_as_a_whole(watched: Import, body: str) -> None:
    """Who goes through it, or gives it to a program."""
    watch, _ = watched(body)
    assert list(watch.whole_environment) == ["zwatched"]


@pytest.mark.parametrize(
    "body",
    [
        "os.path.exists('conf')",
        "pathlib.Path('conf').is_file()",
        "os.access('conf', os.R_OK)",
        "try: open('conf')\nexcept OSError: pass",
        "try: os.readlink(b'conf')\nexcept OSError: pass",
    ],
)
def test_a_file_that_is_not_there(watched: Import, body: str) -> None:
    """Its path is noted, and that the directory was of matter."""
    watch, scope = watched(body)
    assert watch.files[os.path.abspath("conf")] is False
    assert scope.reads_directory


@pytest.mark.parametrize("body", ["os.listdir()", "os.scandir('.').close()", "[*pathlib.Path().glob('*')]"])
def test_a_directory_that_is_listed(watched: Import, body: str) -> None:
    """So that whatever comes into it counts."""
    watch, scope = watched(body)
    assert (watch.files[os.getcwd()], scope.reads_directory) == (True, True)


@pytest.mark.parametrize("body", ["open('new', 'w').close()", "os.close(os.open('new', os.O_WRONLY | os.O_CREAT))"])
def test_a_file_that_is_only_written(watched: Import, body: str) -> None:
    """It is not read."""
    watch, _ = watched(body)
    assert os.path.abspath("new") not in watch.files


def test_the_current_directory(watched: Import) -> None:
    """It is asked for; else it is of no matter."""
    assert watched("os.getcwd()")[1].reads_directory
    del sys.modules["zwatched"]
    assert not watched("")[1].reads_directory


def test_modules_that_are_used_and_looked_for(watched: Import) -> None:
    """Those that were there too, parts, and those that are missing."""
    watch, scope = watched(
        "import importlib, zinner\nfrom . import part\nimportlib.import_module('zinner')\n"
        "try: import zabsent.part\nexcept ImportError: pass\n"
    )
    assert {"os", "zinner", "zwatched", "zwatched.part"} <= scope.uses
    assert scope.absent == {"zabsent"}
    assert set(scope.modules) == {"zwatched", "zwatched.part"}
    assert set(watch.by_module["zinner"].modules) == {"zinner"}


def test_what_another_thread_does(watched: Import) -> None:
    """It is not the import's."""
    body = "thread = threading.Thread(target=os.environ.get, args=('ZED',))\nthread.start(); thread.join()\n"
    assert "ZED" not in watched(body)[0].read_variables


@pytest.mark.parametrize("body", ["os.urandom(1)", "uuid.uuid1()", "random.random()"])
def test_what_is_drawn_by_chance(watched: Import, body: str) -> None:
    """It would be another in each process. The generator of all is as it was."""
    before = random.getstate()
    assert watched(body)[1].draws_by_chance
    assert random.getstate() == before


def test_a_generator_of_its_own(watched: Import) -> None:
    """It is seeded anew in each run, unless it was given a seed."""
    _, scope = watched("ONE, OTHER, TRUE = random.Random(), random.Random(1), random.SystemRandom()")
    assert [each() for each in scope.generators] == [sys.modules["zwatched"].ONE]
    assert not scope.draws_by_chance


def test_what_is_registered(watched: Import) -> None:
    """For the end, and for codecs: it can be taken back, and registered again."""
    called: list[int] = []
    sys.modules["zwatched_called"] = called  # type: ignore[assignment]  # an object that the package can reach
    _, scope = watched(
        "called = sys.modules['zwatched_called']\natexit.register(called.append, 1)\n"
        "codecs.register(lambda name: codecs.lookup('ascii') if name == 'zwatched' else None)\n"
    )
    end, codec = scope.effects
    assert isinstance(end, Called)
    assert isinstance(codec, Called)
    assert "".encode("zwatched") == b""
    before = atexit._ncallbacks()
    end.undo()
    codec.undo()
    with pytest.raises(LookupError):
        codecs.lookup("zwatched")
    assert end.redo()
    # Up to 3.13, Python keeps the place of the one that was taken back.
    assert atexit._ncallbacks() == before + (sys.version_info < (3, 14))
    end.undo()


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        ("os.stat = lambda *_, **__: None", "replaces os.stat"),
        ("sys.meta_path.pop(0)", "takes a finder or a hook away"),
    ],
)
def test_what_can_not_be_undone(watched: Import, monkeypatch: pytest.MonkeyPatch, body: str, trouble: str) -> None:
    """It is in the way of what is noted, or of the runs to come."""
    monkeypatch.setattr(os, "stat", os.stat)
    monkeypatch.setattr(sys, "meta_path", [FINDER, *sys.meta_path])
    assert watched(body)[0].world.trouble == trouble


def test_where_imports_are_tried_only_trouble_is_looked_for(watched: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process, which ends after it, has of other effects is no matter."""
    monkeypatch.setattr(sys, "meta_path", [FINDER, *sys.meta_path])
    monkeypatch.setattr(os, "curdir", ".")
    watch, _ = watched("")
    watch.world.looks_for_trouble_only = True
    os.curdir = "other"  # type: ignore[misc]  # as a package may do
    sys.meta_path.pop(0)
    assert watch.world.effects() == []
    assert watch.world.trouble == "takes a finder or a hook away"
