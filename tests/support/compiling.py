"""C that tests build: libraries, and extension modules."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest


def build_library(source: str, target: Path) -> Path:
    """Compile a shared library; gives its directory. Skips without a compiler."""
    file = target.with_suffix(".c")
    file.write_text(source, encoding="utf-8")
    _compile(file, target, "-w")
    return target.parent


def build_extension(source: Path) -> None:
    """Compile a C file to the extension module of that name, beside it. Skips without a compiler or Python.h."""
    include = sysconfig.get_path("include")
    if not Path(include, "Python.h").exists():
        pytest.skip("no C compiler that could build an extension: Python.h is not installed")
    _compile(source, source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX")), f"-I{include}")


def _compile(source: Path, target: Path, *options: str) -> None:
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"no C compiler: {compiler[0]} is not on PATH")
    subprocess.run([*compiler, "-shared", "-fPIC", *options, str(source), "-o", str(target)], check=True)
