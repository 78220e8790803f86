"""
What a scan takes: ``python -m benchmarks.scan [FILES]``, 5,000 test files unless said otherwise.

Each run is a process of its own: the first scan of the tree, with no cache, and the second, of the same tree.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 3
LIMITS = {"first": 20.0, "second": 3.0}

MODEL = "import torch\n\n\ndef forward(x):\n    return torch.relu(x)\n"
# A hundred lines, of the usual kinds: some import in functions, some at the top, some nothing heavy.
TEST = '''\
"""Tests of part {number}."""

from __future__ import annotations

import json

import pytest
{top}

@pytest.fixture
def data(tmp_path):
    file = tmp_path / "data.json"
    file.write_text(json.dumps({{"number": {number}}}))
    return file

{tests}
'''
ONE = '''
@pytest.mark.parametrize("value", [1, 2, 3])
def test_case_{case}(data, value):
    """Case {case}."""
{inside}
    loaded = json.loads(data.read_text())
    result = [loaded["number"] + value for _ in range(3)]
    assert len(result) == 3
    assert all(isinstance(each, int) for each in result)
    with pytest.raises(KeyError):
        loaded["missing"]
'''


def write_suite(directory: Path, files: int) -> None:
    """A suite of so many test files, and a package under test with a chain to torch."""
    (directory / "pytest.ini").write_text("[pytest]\nheavy_modules = torch\n", encoding="utf-8")
    package = directory / "app"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "model.py").write_text(MODEL, encoding="utf-8")
    (package / "light.py").write_text("VALUE = 1\n", encoding="utf-8")
    (package / "worker.py").write_text("from app import model\n", encoding="utf-8")
    for number in range(files):
        top = ("from app import light\n", "from app.worker import model\n", "import torch\n")[number % 3]
        inside = "    from app.worker import model" if number % 2 else "    value += 1"
        tests = "\n".join(ONE.format(case=case, inside=inside) for case in range(7))
        place = directory / "tests" / f"part_{number // 100:02}"
        place.mkdir(parents=True, exist_ok=True)
        text = TEST.format(number=number, top=top, tests=tests)
        (place / f"test_part_{number}.py").write_text(text, encoding="utf-8")


def scan_s(directory: Path) -> tuple[float, float]:
    """Seconds of one scan: wall-clock time, and CPU time of all its processes."""
    before, begin = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "pytest_heavyimports", "scan", "--format", "json"]
    child = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, check=False)
    assert child.stdout.startswith(b"{"), f"the scan failed with status {child.returncode}"
    wall_s, after = time.perf_counter() - begin, os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return wall_s, cpu_s


def main() -> int:
    """Scan, and print; 1 if a median is over its limit."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    times: dict[str, list[tuple[float, float]]] = {"first": [], "second": []}
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as place:
        directory = Path(place)
        write_suite(directory, files)
        for _ in range(RUNS):
            shutil.rmtree(directory / ".pytest_cache", ignore_errors=True)
            for name in times:
                times[name].append(scan_s(directory))
    print(f"{files} test files, {os.cpu_count()} CPUs, Python {sys.version.split()[0]}")
    medians = {name: statistics.median(wall_s for wall_s, _ in values) for name, values in times.items()}
    for name, runs in times.items():
        values = [wall_s for wall_s, _ in runs]
        cpu_s = statistics.median(cpu_s for _, cpu_s in runs)
        verdict = "over" if medians[name] > LIMITS[name] else "ok"
        spread = f"{min(values):.2f} to {max(values):.2f}"
        limit = f"limit {LIMITS[name]:.0f} s"
        print(f"{name:<6} scan  {medians[name]:6.2f} s  ({spread}), CPU {cpu_s:.2f} s  {limit} {verdict}")
    return int(any(medians[name] > LIMITS[name] for name in times))


if __name__ == "__main__":
    sys.exit(main())
