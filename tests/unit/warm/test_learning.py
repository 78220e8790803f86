"""What a run has imported, and the file that keeps it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pytest_heavyimports.warm import learning
from pytest_heavyimports.warm.learning import Learnt, Store, changed, stamps

MODULES = {name: Learnt(name, f"/site/{name}.py", name == "b") for name in ("a", "b")}


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    """In order, with what does harm."""
    store = Store(tmp_path / "cache" / "x.modules", str(tmp_path))
    store.modules.update(MODULES)
    store.harmful["c"] = "its import starts a thread"
    store.write()
    again = Store(tmp_path / "cache" / "x.modules", str(tmp_path))
    assert (again.modules, again.harmful) == (MODULES, {"c": "its import starts a thread"})
    assert list(again.modules) == ["a", "b"]


def test_another_configuration_begins_anew(tmp_path: Path) -> None:
    """Other modules may be declared."""
    store = Store(tmp_path / "x.modules", str(tmp_path))
    store.modules.update(MODULES)
    store.write()
    assert not store.is_out_of_date(str(tmp_path))
    (tmp_path / "pytest.ini").touch()
    assert store.is_out_of_date(str(tmp_path))
    assert Store(tmp_path / "x.modules", str(tmp_path)).modules == {}


def test_an_import_that_ended_the_process_is_known_to_the_next(tmp_path: Path) -> None:
    """Once, it is written down with the rest; whether its parent has asked what became of it, or not."""
    process = os.fork()
    if process == 0:
        store = Store(tmp_path / "x.modules", str(tmp_path))
        store.begin("a")
        store.end()
        store.begin("crashing")
        os._exit(0)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    harmful = {"crashing": "its import ended the warm process"}
    assert Store(tmp_path / "x.modules", str(tmp_path)).harmful == harmful
    os.waitpid(process, 0)
    assert list(tmp_path.iterdir()) == []


def test_an_import_that_goes_on_in_another_process_is_no_matter(tmp_path: Path) -> None:
    """Runs with workers have warm processes of one name."""
    Store(tmp_path / "x.modules", str(tmp_path)).begin("slow")
    assert Store(tmp_path / "x.modules", str(tmp_path)).harmful == {}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("text", ["", "nonsense", "= []\nnonsense\n", "= []\n[]\n"])
def test_a_file_that_can_not_be_read_is_no_matter(tmp_path: Path, text: str) -> None:
    """It is learnt again."""
    (tmp_path / "x.modules").write_text(text, encoding="utf-8")
    assert Store(tmp_path / "x.modules", str(tmp_path)).modules == {}


def test_a_disk_that_is_full_is_no_matter(tmp_path: Path) -> None:
    """Nor a directory that can't be made."""
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file" / "x.modules", str(tmp_path))
    store.begin("a")
    store.end()
    store.write()
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_has_changed_is_found(tmp_path: Path) -> None:
    """Its time, its size, or whether it is there."""
    file = tmp_path / "module.py"
    file.write_text("x = 1\n", encoding="utf-8")
    before = stamps([str(file), str(tmp_path / "none"), "relative.py"])
    assert [list(names) for names in before.values()] == [["module.py"]]
    here = os.getcwd()
    assert changed(before) == ""
    os.utime(file, ns=(0, 0))
    assert changed(before) == str(file)
    file.unlink()
    assert changed(before) == str(file)
    tmp_path.rmdir()
    assert Path(changed(before)) == tmp_path
    assert os.getcwd() == here


def test_what_is_not_installed_is_not_learnt() -> None:
    """This file, and ``__main__``; the standard library is, and what is known already isn't looked at."""
    learnt = {module.fullname: module for module in learning.learnt_by_now(set())}
    assert __name__ not in learnt
    assert "__main__" not in learnt
    assert learnt["json"].file == json.__file__
    assert learnt["_pytest.config"].is_rewritten is False
    assert "json" not in {module.fullname for module in learning.learnt_by_now({"json"})}


@pytest.mark.parametrize("harm", ["writable", "link"])
def test_what_others_may_have_written_is_not_read(tmp_path: Path, harm: str) -> None:
    """A cache may be shared: what is read from it belongs to this user alone."""
    file = tmp_path / "x.modules"
    store = Store(file, str(tmp_path))
    store.modules.update(MODULES)
    store.write()
    assert file.stat().st_mode & 0o777 == 0o600
    if harm == "writable":
        file.chmod(0o622)
    else:
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    assert Store(file, str(tmp_path)).modules == {}


def test_a_file_whose_time_was_put_back_has_changed(tmp_path: Path) -> None:
    """As rsync and tar do: the same size, number and time, and other contents."""
    file = tmp_path / "file"
    file.write_text("V = 1", encoding="utf-8")
    facts, before = file.stat(), stamps([str(file)])
    assert changed(before) == ""
    with file.open("r+", encoding="utf-8") as opened:
        opened.write("V = 2")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert changed(before) == str(file)
