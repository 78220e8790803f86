"""What needs environments of its own: other Pythons and versions of pytest, other plugins, and what is released."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import nox

nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["core", "pytests"]

# 3.10 has reached its end of life, and is kept as long as it costs nothing. `.ci/pythons` runs the last two where the
# machine has none of them.
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]
ARGUMENTS = ("-m", "not torch and not cuda and not slow", "--ignore=tests/torch", "--ignore=tests/cuda")
# What each needs beside itself. tests/compat/test_modes.py tests each, and tests/compat/test_<its name>.py some.
# constraints.txt has the versions.
OTHERS: dict[str, tuple[str, ...]] = {
    "anyio": (),
    "beartype": (),
    "freezegun": (),
    "hypothesis": (),
    "inline-snapshot": ("pytest-xdist",),
    "jaxtyping": ("beartype",),
    "pytest-asyncio": (),
    "pytest-benchmark": ("pytest-xdist",),
    "pytest-cov": (),
    "pytest-django": ("django",),
    "pytest-env": (),
    "pytest-forked": (),
    "pytest-html": ("pytest-xdist",),
    "pytest-httpserver": (),
    "pytest-json-report": ("pytest-xdist",),
    "pytest-mock": (),
    "pytest-order": (),
    "pytest-randomly": ("numpy",),
    "pytest-repeat": (),
    "pytest-rerunfailures": ("pytest-xdist",),
    "pytest-run-parallel": (),
    "pytest-socket": (),
    "pytest-split": (),
    "pytest-subprocess": (),
    "pytest-sugar": (),
    "pytest-testmon": ("pytest-xdist",),
    "pytest-timeout": (),
    "pytest-xdist": (),
    "snapshottest": (),
    "syrupy": ("pytest-xdist",),
    "time-machine": (),
    "typeguard": (),
}


KEEPING = {
    "benchmark": "pytest-benchmark",
    "inline_snapshot": "inline-snapshot",
    "rerunfailures": "pytest-rerunfailures",
    "syrupy": "syrupy",
    "testmon": "pytest-testmon",
}


@nox.session(python=PYTHONS)
def core(session: nox.Session) -> None:
    """The newest pytest that the constraints name, on each Python, without torch: ``nox --session core-3.12``."""
    session.install("--quiet", "--constraint", "constraints.txt", *nox.project.dependency_groups(PROJECT, "test"), ".")
    session.run("python", "-m", "pytest", "-n", "2", *ARGUMENTS, *session.posargs)


@nox.session(python=PYTHONS[:3])
@nox.parametrize("pytest", ["8.2", "8.4", "9.0"])
def pytests(session: nox.Session, pytest: str) -> None:
    """Older versions of pytest."""
    groups = nox.project.dependency_groups(PROJECT, "test")
    session.install("--quiet", *groups, f"pytest=={pytest}.*", ".")
    session.run("python", "-m", "pytest", "-n", "2", *ARGUMENTS, *session.posargs)


@nox.session
@nox.parametrize("plugin", [*OTHERS])
def plugins(session: nox.Session, plugin: str) -> None:
    """
    Each other plugin in an environment of its own: ``nox --session "plugins(plugin='pytest-mock')"``.

    Writes its row of docs/other-plugins.json: whether the outcomes of each mode are those without this plugin.
    """
    # Under pytest 9.2, pytest-forked 1.7.5 fails every test.
    versions = ("pytest<9.2",) if plugin == "pytest-forked" else ("--constraint", "constraints.txt")
    session.install("--quiet", *versions, "pytest-timeout", plugin, *OTHERS[plugin], ".")
    own = Path(f"tests/compat/test_{plugin.removeprefix('pytest-').replace('-', '_')}.py")
    files = [str(file) for file in (own, Path("tests/compat/test_modes.py")) if file.exists()]
    arguments = ("-p", "pytest_timeout", "--write-table", f"--only-plugin={plugin}", *files, *session.posargs)
    session.run("python", "-m", "pytest", *arguments, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})


@nox.session
def keeping(session: nox.Session) -> None:
    """The plugins that ``isolation/others`` has a file for, in one environment, measured: a part of `make coverage`."""
    groups = nox.project.dependency_groups(PROJECT, "test")
    tests = [f"tests/compat/test_{name}.py" for name in KEEPING]
    session.install("--quiet", "--constraint", "constraints.txt", *groups, *KEEPING.values(), "--editable", ".")
    arguments = ("-p", "pytest_timeout", "-p", "xdist", "-n", "2", *tests, *session.posargs)
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    session.run("python", "-m", "coverage", "run", "-m", "pytest", *arguments, env=alone)


@nox.session
def mutation(session: nox.Session) -> None:
    """Tests of the import system, tested: ``nox --session mutation -- --sample 15 --seed 1 imports/finder.py``."""
    groups = nox.project.dependency_groups(PROJECT, "test")
    session.install("--quiet", "--constraint", "constraints.txt", *groups, "cosmic-ray", ".")
    session.run("python", "-m", "tests.mutation", *session.posargs)


@nox.session
def dist(session: nox.Session) -> None:
    """Build what is released into dist/, and check it; the wheel is built from the source distribution."""
    groups = nox.project.dependency_groups(PROJECT, "dist")
    session.install("--quiet", "--constraint", "constraints.txt", *groups)
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", silent=True)
    session.run("twine", "check", "--strict", *map(str, Path("dist").iterdir()))
    session.run("check-wheel-contents", "--package", "pytest_heavyimports", "dist")
    session.run("check-sdist")
    session.notify("wheel")


@nox.session(reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """The demonstration, with the wheel of dist/ in an environment that has nothing else, far from the checkout."""
    (built,) = Path("dist").resolve().glob("*.whl")
    session.install("--quiet", "--constraint", "constraints.txt", str(built), *NEEDED_BY_DEMO)
    with tempfile.TemporaryDirectory(prefix="wheel-") as place:
        examples = Path(place, "examples")
        shutil.copytree("examples", examples, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        with session.chdir(place):
            session.run("python", "-c", INSTALLED, str(Path(session.virtualenv.location).resolve()))
            session.run("heavyimports", "--help", silent=True)
            session.run("python", str(examples / "demo.py"))


NEEDED_BY_DEMO = ("torch", "numpy", "redis", "fakeredis")
# The version that the wheel's metadata has is that of the package, which lies in the environment with its licence.
INSTALLED = """
import importlib.metadata, pathlib, sys, pytest_heavyimports
distribution = importlib.metadata.distribution("pytest-heavyimports")
assert distribution.version == pytest_heavyimports.__version__, distribution.version
assert pathlib.Path(pytest_heavyimports.__file__).is_relative_to(sys.argv[1]), pytest_heavyimports.__file__
assert [file for file in distribution.files if file.name == "LICENSE"], distribution.files
print("pytest-heavyimports", distribution.version, "from", pathlib.Path(pytest_heavyimports.__file__).parent)
"""
PROJECT = nox.project.load_toml("pyproject.toml")
