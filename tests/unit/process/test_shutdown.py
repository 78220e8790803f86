"""What a process that ends by ``os._exit`` writes out before."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.process.shutdown import flush

from ...support.suite import unmeasured

if TYPE_CHECKING:
    from pathlib import Path

WRITES = "lambda *_: open('it', 'w').write('data')"
OPENS = {
    "a text": "keep(open('it', 'w')).write('data')",
    "a binary file": "keep(open('it', 'wb')).write(b'data')",
    "a wrapped file": "import io; keep(io.TextIOWrapper(open('it', 'wb'))).write('data')",
    "a random-access file": "keep(open('it', 'w+b')).write(b'data')",
    "a stream of C": (
        "import ctypes as c; l = c.CDLL(None); l.fopen.restype = c.c_void_p; "
        "l.fputs(b'data', c.c_void_p(l.fopen(b'it', b'w')))"
    ),
    "a destructor": f"keep(type('D', (), {{'__del__': {WRITES}}})())",
    "an exit function": f"import atexit; atexit.register({WRITES})",
    "a finalizer": f"import weakref; weakref.finalize(keep, {WRITES})",
}


def in_child(statement: str, tmp_path: Path, before: str = "") -> bytes:
    """What is in ``it`` when a child by fork that has executed a statement has ended; *before*: in its parent."""
    code = f"""
import os
from pytest_heavyimports.process.shutdown import end, fork

kept = []
def keep(one):
    kept.append(one)
    return one
{before}
if process := fork():
    os.waitpid(process, 0)
else:
    {statement}
    end(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=unmeasured(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return (tmp_path / "it").read_bytes()


@pytest.mark.parametrize("statement", OPENS.values(), ids=OPENS)
def test_what_a_child_has_not_closed_is_written(tmp_path: Path, statement: str) -> None:
    """As the end of an interpreter writes it."""
    assert in_child(statement, tmp_path) == b"data"


def test_what_the_parent_has_buffered_is_written_once(tmp_path: Path) -> None:
    """The child has a copy of the buffer, and what it adds to it is written too."""
    assert in_child("kept[0].write('child')", tmp_path, "keep(open('it', 'w')).write('parent ')") == b"parent child"


def test_exit_functions_of_the_parent_are_called_once(tmp_path: Path) -> None:
    """By the parent."""
    before = "import atexit; atexit.register(lambda: open('it', 'a').write('once'))"
    assert in_child("None", tmp_path, before) == b"once"


@pytest.mark.parametrize(
    ("opened", "read"),
    [
        ("gzip.open('it', 'wt')", "gzip.open('it', 'rt').read()"),
        ("bz2.open('it', 'wt')", "bz2.open('it', 'rt').read()"),
        ("lzma.open('it', 'wt')", "lzma.open('it', 'rt').read()"),
    ],
)
def test_what_is_compressed_has_an_end(tmp_path: Path, opened: str, read: str) -> None:
    """A reader finds all of it, and no more."""
    code = f"""
import bz2, gzip, lzma, os
from pytest_heavyimports.process.shutdown import end, fork

if process := fork():
    os.waitpid(process, 0)
    assert {read} == "data"
else:
    file = {opened}
    file.write("data")
    end(0)
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=unmeasured(), check=True, timeout=60)


def test_an_archive_has_its_directory(tmp_path: Path) -> None:
    """Which is at its end."""
    code = """
import os, zipfile
from pytest_heavyimports.process.shutdown import end, fork

if process := fork():
    os.waitpid(process, 0)
else:
    archive = zipfile.ZipFile("it", "w")
    archive.writestr("name", "data")
    end(0)
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=unmeasured(), check=True, timeout=60)
    assert zipfile.ZipFile(tmp_path / "it").read("name") == b"data"


def test_a_destructor_that_fails_is_reported_and_the_others_are_called(tmp_path: Path) -> None:
    """As the interpreter reports it."""
    code = """
import os
from pytest_heavyimports.process.shutdown import end, fork

class Fails:
    def __del__(self):
        raise SystemExit("no")

if process := fork():
    os.waitpid(process, 0)
else:
    fails, file = Fails(), open("it", "w")
    file.write("data")
    end(0)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=unmeasured(), capture_output=True, text=True)
    assert (tmp_path / "it").read_text() == "data"
    assert "Exception ignored" in done.stderr and "Fails.__del__" in done.stderr


def test_flush_survives_closed_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """And streams that are none."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", os)
    flush()
