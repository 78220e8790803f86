"""What makes two processes differ before a suite begins: the key of a warm process, and where its socket is."""

from __future__ import annotations

import os
import sys

from .wire import MAGIC

TYPE_CHECKING = False  # as in wire.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# Set by shells, terminals, editors, pytest and coverage for themselves. Where an import has asked for one of them by
# its name, it counts all the same: see `ignorable`.
IGNORED = (
    "_",
    "COLORTERM",
    "COLUMNS",
    "GPG_TTY",
    "HISTCONTROL",
    "HISTSIZE",
    "INVOCATION_ID",
    "ITERM_*",
    "JOURNAL_STREAM",
    "LINES",
    "LS_COLORS",
    "OLDPWD",
    "PROMPT_COMMAND",
    "PS1",
    "PWD",
    "SECURITYSESSIONID",
    "SHLVL",
    "SSH_AUTH_SOCK",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "STY",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TERM_SESSION_ID",
    "TMUX",
    "TMUX_PANE",
    "VSCODE_*",
    "VTE_VERSION",
    "WINDOW",
    "WINDOWID",
    "XDG_SESSION_ID",
    "PYTEST_CURRENT_TEST",
    "PYTEST_VERSION",
    "PYTEST_XDIST_*",
    "COVERAGE_PROCESS_CONFIG",
    "COVERAGE_PROCESS_START",
    "COV_CORE_*",
)
"""Variables that make no difference to imports; a ``*`` at the end stands for any rest."""
IGNORE_KEY = "heavy_warm_ignore"
"""The ini key with more of them. `config/options.py` has it too: that imports pytest, and the client must not."""
CONFIGURATIONS = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
DIRECTORY = "pytest-heavyimports"

# Who the process is, what it may do and which processors it may use. libgomp reads the last when it is loaded.
_CREDENTIALS = ("Uid", "Gid", "Groups", "NoNewPrivs", "Seccomp", "Cap", "Cpus_allowed", "Mems_allowed")
_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
# A prime. The name is only to tell keys apart: hashlib would take longer to import than the client takes to run.
_MODULUS = 2**127 - 1


def identity() -> bytes:
    """
    Everything of this process that a warm process must have in common with it.

    First what makes a project with an interpreter, then in which situation that is used: see :func:`name_of`.
    """
    here = os.getcwd()
    place = project(here)
    directory = os.stat(".")
    project_facts = (MAGIC, os.path.dirname(__file__), sys.version, sys.executable, sys.prefix, sys.base_prefix, place)
    facts = (
        tuple(sys.flags),
        list(dict.fromkeys(sys.warnoptions)),  # a warm process is given those of PYTHONWARNINGS twice
        sorted(sys._xoptions.items()),
        (here, directory.st_dev, directory.st_ino),
        sorted(environment(os.environ, ignored(place))),
        os.nice(0),
        *_of_the_kernel(),
    )
    return b"\0\0".join([repr(part).encode(errors="surrogateescape") for part in (project_facts, facts)])


def name_of(identity: bytes) -> str:
    """A short name for an identity, fit for a file: those of one project begin alike, see :func:`project_of`."""
    return "-".join([f"{int.from_bytes(part, 'big') % _MODULUS:032x}" for part in identity.split(b"\0\0")])


def project_of(name: str) -> str:
    """The part of a name that all warm processes of a project and an interpreter have in common."""
    return name.partition("-")[0]


def project(directory: str) -> str:
    """The nearest directory, from here upwards, with a file that pytest can be configured in; else this one."""
    here = directory
    while True:
        if any(os.path.exists(f"{here}/{name}") for name in CONFIGURATIONS):
            return here
        above = os.path.dirname(here)
        if above == here:
            return directory
        here = above


def ignored(place: str) -> tuple[str, ...]:
    """The patterns of ``heavy_warm_ignore`` in the configuration files of a project."""
    found: list[str] = []
    for name in CONFIGURATIONS:
        try:
            with open(f"{place}/{name}", "rb") as file:
                data = file.read()
        except OSError:
            continue
        if IGNORE_KEY.encode() in data:
            from .ignoring import patterns_in  # reads TOML and ini files, which takes as long as the rest of the client

            found += patterns_in(name, data, IGNORE_KEY)
    return tuple(found)


def environment(variables: Mapping[str, str], more: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """The variables that imports may depend on: all but those that :data:`IGNORED` and *more* name."""
    is_ignored = matcher((*IGNORED, *more))
    return ((name, value) for name, value in variables.items() if not is_ignored(name))


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a name is one of these; a ``*`` at the end stands for any rest."""
    whole = {pattern for pattern in patterns if not pattern.endswith("*")}
    beginnings = tuple([pattern[:-1] for pattern in patterns if pattern.endswith("*")])
    return lambda name: name in whole or name.startswith(beginnings)


def open_directory(path: str) -> int:
    """
    Open the directory of the sockets, made if it isn't there: this user's own, closed to all others.

    Raises:
        OSError: It can't be made, it is a link, or it belongs to or is open to somebody else.
    """
    if not os.path.lexists(path):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _make(path)
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    found = os.fstat(directory)
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        os.close(directory)
        raise PermissionError(f"{path} is not this user's alone")
    return directory


def _make(path: str) -> None:
    try:
        os.mkdir(path, mode=0o700)
    except FileExistsError:
        return  # another client was faster


def socket_directory() -> str:
    """Where the sockets of this user's warm processes are."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return f"{runtime}/{DIRECTORY}" if runtime else cache_directory()


def cache_directory() -> str:
    """Where it is kept what runs have imported."""
    return f"{os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')}/{DIRECTORY}"


def _of_the_kernel() -> Iterator[str]:
    with open("/proc/self/status", "rb") as status:
        lines = os.fsdecode(status.read()).splitlines()
    yield from (line for line in lines if line.startswith(_CREDENTIALS))
    with open("/proc/self/cgroup", "rb") as cgroup:
        yield os.fsdecode(cgroup.read())
    for name in _NAMESPACES:
        try:
            yield os.readlink(f"/proc/self/ns/{name}")
        except OSError:
            yield ""  # a kernel without it
