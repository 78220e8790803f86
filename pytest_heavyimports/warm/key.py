"""What makes two processes differ before a suite begins: the key of a warm process, and where its socket is."""

from __future__ import annotations

import os
import sys

from .wire import MAGIC

TYPE_CHECKING = False  # as in wire.py
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Read when modules are imported, by C code too, whose reading nobody sees. `preload.py` sees what Python code reads.
OF_LIBRARIES = (
    "OMP_*",
    "KMP_*",
    "GOMP_*",
    "MKL_*",
    "OPENBLAS_*",
    "BLIS_*",
    "NUMEXPR_*",
    "VECLIB_*",
    "CUDA_*",
    "CUBLAS_*",
    "CUDNN_*",
    "NCCL_*",
    "NVIDIA_*",
    "HIP_*",
    "ROCR_*",
    "PYTORCH_*",
    "TORCH_*",
    "TRITON_*",
    "TF_*",
    "XLA_*",
    "JAX_*",
)
OF_THE_PROCESS = (
    "LD_*",
    "MALLOC_*",
    "GLIBC_TUNABLES",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "PYTHON*",
)
"""Read when a process begins."""
EXTENSION = "HEAVY_WARM_ENV"
"""The variable with more names, separated by spaces or commas; a ``*`` at the end stands for any rest."""
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
    """Everything of this process that a warm process must have in common with it."""
    facts = (
        MAGIC,
        os.path.dirname(__file__),
        sys.version,
        sys.executable,
        sys.prefix,
        sys.base_prefix,
        tuple(sys.flags),
        list(dict.fromkeys(sys.warnoptions)),  # a warm process is given those of PYTHONWARNINGS twice
        sorted(sys._xoptions.items()),
        project(os.getcwd()),
        sorted(environment()),
        os.nice(0),
        *_of_the_kernel(),
    )
    return repr(facts).encode(errors="surrogateescape")


def name_of(identity: bytes) -> str:
    """A short name for an identity, fit for a file."""
    return f"{int.from_bytes(identity, 'big') % _MODULUS:032x}"


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


def environment(more: Iterable[str] = OF_THE_PROCESS) -> Iterator[tuple[str, str]]:
    """The variables that belong to the key: those of libraries, and *more*."""
    patterns = (EXTENSION, *OF_LIBRARIES, *more, *os.environ.get(EXTENSION, "").replace(",", " ").split())
    whole = {pattern for pattern in patterns if not pattern.endswith("*")}
    beginnings = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    for name, value in os.environ.items():
        if name in whole or name.startswith(beginnings):
            yield name, value


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
