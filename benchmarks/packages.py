"""
What a second import of heavy packages does, unguarded and guarded: ``python -m benchmarks.packages [NAME ...]``.

Each package is installed into an environment of its own, which is thrown away. There, a test reloads it, throws it out
of ``sys.modules`` (the package alone, or all of its modules) and imports it again; a test after that uses it, with a
value that was made before. All of it once for each value of ``heavy_guard``, each time in a process of its own. The
table is written to ``packages.md`` beside this file; lines of packages that are not asked for stay as they are.

With ``--cuda`` those that compute on a CUDA device, as they are installed in this environment, with values that lie on
the device; the table is ``packages_cuda.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_heavyimports.cuda.nvml import read_facts

from .environments import ROOT, create, version

TABLE = Path(__file__).with_suffix(".md")
CUDA_TABLE = TABLE.with_stem("packages_cuda")
MODES = ("off", "restore", "error")
ACTIONS = {
    "reload": "`importlib.reload`",
    "root": "the package evicted",
    "all": "all of it evicted",
}
OURS = ("ReloadRefused", "ReimportRefused", "HeavyImportWarning")
CELL = 100
"""How many characters of a message are shown."""


@dataclass(frozen=True)
class Package:
    """A package, and how to see whether it still works."""

    name: str
    """Its import name."""
    distribution: str
    kind: str
    """A class of the package *m*."""
    made: str
    """A value, made before."""
    used: str
    """What must work afterwards, with *old*, the value."""
    requirements: tuple[str, ...] = ()
    """What is installed, where that is more than the distribution."""


PACKAGES = (
    Package("torch", "torch", "m.nn.Linear", "m.ones(2)", "(m.ones(2) + old).sum()", ("torch==2.13.0", "numpy")),
    Package("numpy", "numpy", "m.poly1d", "m.ones(2)", "m.linalg.norm(m.concatenate([m.ones(2), old]))"),
    Package(
        "pandas",
        "pandas",
        "m.DataFrame",
        "m.DataFrame({'a': [1]})",
        "m.concat([m.DataFrame({'a': [2]}), old]).sum()",
        ("pandas", "pyarrow"),
    ),
    Package("scipy", "scipy", "m.sparse.csr_array", "m.sparse.eye_array(2)", "(m.sparse.eye_array(2) @ old).sum()"),
    Package("pyarrow", "pyarrow", "m.Schema", "m.table({'a': [1]})", "m.concat_tables([m.table({'a': [2]}), old])"),
    Package(
        "h5py",
        "h5py",
        "m.Dataset",
        "m.File('old', 'w', driver='core', backing_store=False)",
        "(m.File('new', 'w', driver='core', backing_store=False).create_group('g'), old.create_dataset('a', data=[1]))",
    ),
    Package(
        "onnxruntime",
        "onnxruntime",
        "m.InferenceSession",
        "m.OrtValue.ortvalue_from_numpy(__import__('numpy').ones(2))",
        "(m.OrtValue.ortvalue_from_numpy(__import__('numpy').ones(2)), m.SessionOptions(), old.numpy())",
    ),
    Package(
        "jax",
        "jax",
        "m.tree_util.Partial",
        "m.tree_util.Partial(max, 1)",
        "(m.jit(lambda x: x + 1)(m.numpy.ones(2)).sum(), m.tree_util.tree_leaves(old))",
    ),
    Package(
        "tensorflow",
        "tensorflow-cpu",
        "m.Module",
        "m.Variable([1.0])",
        "(m.function(lambda x: x + 1)(m.constant([1.0])), m.add(m.constant([1.0]), old))",
    ),
    Package(
        "cv2",
        "opencv-python-headless",
        "m.KeyPoint",
        "m.KeyPoint(1, 2, 3)",
        "(m.cvtColor(__import__('numpy').zeros((2, 2, 3), 'uint8'), m.COLOR_BGR2GRAY), m.KeyPoint.convert([old]))",
    ),
)

CUDA_PACKAGES = (
    Package(
        "torch", "torch", "m.nn.Linear", "m.ones(2, device='cuda')", "(m.ones(2, device='cuda') + old).sum().item()"
    ),
    Package(
        "torchvision",
        "torchvision",
        "m.models.ResNet",
        "__import__('torch').ones(1, 4, device='cuda')",
        "m.ops.nms(old, old[:, 0], 0.5).item()",
    ),
    Package(
        "triton",
        "triton",
        "m.Config",
        "m.Config({})",
        "(m.runtime.driver.active.get_current_target(), m.cdiv(3, 2), old.all_kwargs())",
    ),
    Package("cupy", "cupy-cuda13x", "m.ElementwiseKernel", "m.ones(2)", "(m.sqrt(m.ones(2)) + old).sum().item()"),
    Package(
        "jax",
        "jax",
        "m.tree_util.Partial",
        "m.device_put(1.0, m.devices('cuda')[0])",
        "m.jit(lambda x: x + 1)(old).devices().pop().platform == 'gpu' or 1 / 0",
    ),
    Package(
        "numba",
        "numba",
        "m.core.dispatcher.Dispatcher",
        "__import__('numba.cuda').cuda.to_device(__import__('numpy').ones(2))",
        "__import__('numba.cuda').cuda.to_device(old.copy_to_host())",
    ),
)

TEST = """
import importlib
import json
import pickle
import sys
import warnings

NAME, ACTION = {name!r}, {action!r}
kept = []


def log(**facts):
    with open("log.jsonl", "a") as file:
        file.write(json.dumps(facts) + "\\n")


def tried(function, *arguments):
    try:
        function(*arguments)
    except BaseException as error:
        return f"{{type(error).__name__}}: {{error}}"
    return ""


def again(m):
    if ACTION == "reload":
        importlib.reload(m)
        return
    for name in list(sys.modules):
        if name == NAME or (ACTION == "all" and name.startswith(NAME + ".")):
            del sys.modules[name]
    importlib.import_module(NAME)


def test_culprit():
    m = importlib.import_module(NAME)
    kept.extend([m, {kind}, {made}])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        error = tried(again, m)
    log(error=error, warnings=[f"{{each.category.__name__}}: {{each.message}}" for each in seen])


def test_afterwards():
    before, kind, old = kept
    error = tried(importlib.import_module, NAME)
    log(error=error)
    if not error:
        m = importlib.import_module(NAME)
        used = tried(lambda: {used})
        log(
            used=used,
            lacks=[name for name in vars(before) if name[0] != "_" and tried(getattr, m, name)],
            is_same_module=m is before,
            is_same_class=not tried(lambda: {kind}) and {kind} is kind,
            pickled=tried(lambda: pickle.loads(pickle.dumps(kind))),
        )
"""


@dataclass(frozen=True)
class Outcome:
    """What came of one run."""

    steps: tuple[dict[str, Any], ...]
    """What the tests have logged, until the process died."""
    status: int
    """The exit status of pytest, negative where a signal has ended it."""

    def __str__(self) -> str:
        return "; ".join(self._parts()) or "nothing shows"

    @property
    def is_harmful(self) -> bool:
        """Whether something fails that did not, or has become another thing; a refusal of ours is meant."""
        if self.status < 0 or len(self.steps) < 3:
            return True
        second, _, after = self.steps
        is_meant = not second["error"] or second["error"].startswith(OURS)
        return not is_meant or not after["is_same_class"] or bool(after["lacks"] or after["used"] or after["pickled"])

    def _parts(self) -> Iterator[str]:
        second, *afterwards = self.steps or ({},)
        if second.get("error"):
            yield quoted(second["error"])
        elif second.get("warnings"):
            yield quoted(second["warnings"][0])
        for after in afterwards:
            if after.get("error"):
                yield f"afterwards {quoted(after['error'])}"
            if "used" in after:
                yield from self._parts_of_use(after)
        if self.status > 0 and len(self.steps) < 2:
            yield "the tests fail"
        if self.status < 0:
            yield f"{signal.Signals(-self.status).name} ends the process"

    def _parts_of_use(self, after: dict[str, Any]) -> Iterator[str]:
        if not after["is_same_class"]:
            yield "two copies, with classes of one name"
        elif not after["is_same_module"]:
            yield "two modules, with the same classes"
        else:
            yield "the same module"
        if lacks := after["lacks"]:
            yield f"it lacks {', '.join(map(quoted, lacks[:3]))}" + (f" and {len(lacks) - 3} more" if lacks[3:] else "")
        if after["used"]:
            yield f"used: {quoted(after['used'])}"
        if after["pickled"]:
            yield f"pickled: {quoted(after['pickled'])}"


def quoted(text: str) -> str:
    """The first line of a message, as code in a table."""
    if text.startswith(OURS):
        return f"`{text.partition(':')[0]}`"
    (line, *_) = text.strip().splitlines() or [text]
    # torch's has bytes of memory that is no longer its own.
    line = "".join(each if each.isascii() and each.isprintable() else "?" for each in line)
    line = line.replace("|", "\\|").replace("`", "'")
    return f"`{line if len(line) <= CELL else line[: CELL - 1] + '…'}`"


def run(python: Path, package: Package, action: str, mode: str) -> Outcome:
    """One process of pytest."""
    with tempfile.TemporaryDirectory(prefix="second-") as place:
        facts = {"name": package.name, "action": action, "kind": package.kind, "made": package.made}
        Path(place, "test_second.py").write_text(TEST.format(**facts, used=package.used), encoding="utf-8")
        Path(place, "pytest.ini").write_text(f"[pytest]\nheavy_modules = {package.name}\n", encoding="utf-8")
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--heavy-guard={mode}"]
        done = subprocess.run(command, cwd=place, capture_output=True, timeout=300)
        log = Path(place, "log.jsonl")
        steps = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return Outcome(tuple(map(json.loads, steps)), done.returncode)


def installed_rows(package: Package) -> Iterator[str]:
    """The lines of a package that is installed anew."""
    with tempfile.TemporaryDirectory(prefix="package-") as place:
        yield from rows(package, create(Path(place), *(package.requirements or (package.distribution,)), str(ROOT)))


def cuda_rows(package: Package) -> Iterator[str]:
    """The lines of a package of this environment, whose runs share a device: jax must not take all of its memory."""
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    (device, *_) = read_facts().devices
    yield from rows(package, Path(sys.executable), os.cpu_count() or 1, f", {device.name}")


def rows(package: Package, python: Path, processes: int = 1, where: str = "") -> Iterator[str]:
    """The lines of the table: one for each thing that a suite may do; so many runs at once."""
    shown = f"{package.distribution} {version(python, package.distribution)}"
    tested = f"Python {platform.python_version()}, pytest {version(python, 'pytest')}{where}"
    with ThreadPoolExecutor(processes) as pool:
        runs = [(action, mode) for action in ACTIONS for mode in MODES]
        outcomes = dict(zip(runs, pool.map(lambda each: run(python, package, *each), runs)))
    for action, told in ACTIONS.items():
        found = [outcomes[action, mode] for mode in MODES]
        marks = ["**breaks:** " if outcome.is_harmful else "" for outcome in found]
        cells = [f"{mark}{outcome}" for mark, outcome in zip(marks, found)]
        yield f"| {shown} | {told} | {' | '.join(cells)} | {tested} |"


HEADER = (
    "Written by `python -m benchmarks.packages{argument}`. A test reloads the package, or evicts it from",
    "`sys.modules`, alone or with all of its modules, and imports it again. A test after that uses it, with a value",
    "that was made before, looks for the names that it had, and pickles a class of it. It **breaks** where something",
    "fails that worked, where a name is missing, and where two classes have one name.",
    "",
    "| package | a suite does | unguarded | `heavy_guard = restore` | `heavy_guard = error` | with |",
    "|---|---|---|---|---|---|",
)


def written(table: Path) -> dict[str, list[str]]:
    """The lines of the table that is there, by distribution."""
    lines: dict[str, list[str]] = {}
    if table.exists():
        for line in table.read_text(encoding="utf-8").splitlines()[len(HEADER) :]:
            lines.setdefault(line.removeprefix("| ").split()[0], []).append(line)
    return lines


def main() -> int:
    """Write the table, package after package."""
    names = sorted({package.name for package in PACKAGES + CUDA_PACKAGES})
    parser = argparse.ArgumentParser(prog="python -m benchmarks.packages", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--cuda", action="store_true", help="those of this environment, on a CUDA device")
    arguments = parser.parse_args()
    packages: Sequence[Package] = CUDA_PACKAGES if arguments.cuda else PACKAGES
    if unknown := set(arguments.names).difference(package.name for package in packages):
        parser.error(f"not among the packages: {', '.join(sorted(unknown))}")
    if arguments.cuda and (fault := read_facts().fault):
        parser.error(f"there is no CUDA device: {fault}")
    table = CUDA_TABLE if arguments.cuda else TABLE
    header = "\n".join(HEADER).format(argument=" --cuda" * arguments.cuda)
    lines = written(table)
    for package in packages:
        if package.name in (arguments.names or names):
            found = cuda_rows(package) if arguments.cuda else installed_rows(package)
            lines[package.distribution] = list(found)
            print("\n".join(lines[package.distribution]), flush=True)
            ordered = [line for each in packages for line in lines.get(each.distribution, ())]
            table.write_text("\n".join([header, *ordered]) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
