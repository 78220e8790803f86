"""The core on each Python and pytest, without torch: ``nox``, or ``nox --session core-3.12``."""

from __future__ import annotations

import nox

nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
ARGUMENTS = ("-m", "not torch and not cuda and not slow", "--ignore=tests/torch", "--ignore=tests/cuda")


@nox.session(python=PYTHONS)
def core(session: nox.Session) -> None:
    """The newest pytest that the constraints name, on each Python."""
    session.install("--quiet", "--constraint", "constraints.txt", *nox.project.dependency_groups(PROJECT, "test"), ".")
    session.run("python", "-m", "pytest", "-n", "2", *ARGUMENTS, *session.posargs)


@nox.session(python=PYTHONS[:3])
@nox.parametrize("pytest", ["8.2", "8.4", "9.0"])
def pytests(session: nox.Session, pytest: str) -> None:
    """Older versions of pytest."""
    groups = nox.project.dependency_groups(PROJECT, "test")
    session.install("--quiet", *groups, f"pytest=={pytest}.*", ".")
    session.run("python", "-m", "pytest", "-n", "2", *ARGUMENTS, *session.posargs)


PROJECT = nox.project.load_toml("pyproject.toml")
