"""
What threads of workers cost: ``python -m benchmarks.threads``.

A suite of tests that train a small net, by two workers of pytest-xdist: each with as many threads as there are
processors, as torch has it; with ``heavy_xdist_threads = auto``; and with that in workers from a warm process, which
the run starts. By turns, medians of the ratios of neighbours. The more processors for each worker, the less there is to
save: two workers on two processors are the case that was measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

RUNS = 5
TESTS = 40
LIMIT_S = 300.0
PYTEST = Path(sys.executable).parent / "pytest"
KINDS: Mapping[str, tuple[str, ...]] = {
    "plain": (),
    "auto": ("-o", "heavy_xdist_threads=auto"),
    "auto, warm": ("-o", "heavy_xdist_threads=auto", "--heavy-warm"),
}
LIMITS = {"auto": 0.75, "auto, warm": 0.55}
SUITE = """
import pytest
import torch


@pytest.mark.parametrize("seed", range({tests}))
def test_loss_falls(seed):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 1))
    inputs = torch.randn(256, 64)
    targets = inputs.sum(1, keepdim=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for _ in range(100):
        loss = torch.nn.functional.mse_loss(net(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
"""


def main() -> int:
    """Print the figures; 1 where one is over its limit."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        suite = Path(name)
        (suite / "pytest.ini").write_text("[pytest]\nheavy_modules = torch\n", encoding="utf-8")
        (suite / "test_nets.py").write_text(SUITE.format(tests=TESTS), encoding="utf-8")
        environment = {
            **{key: value for key, value in os.environ.items() if not key.endswith("_THREADS")},
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "XDG_RUNTIME_DIR": name,
            "XDG_CACHE_HOME": name,
        }
        times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for number in range(RUNS + 1):
            for kind in sorted(KINDS, reverse=number % 2 == 1):
                seconds = _seconds(KINDS[kind], suite, environment)
                if number > 0:  # the first of each is not counted
                    times[kind].append(seconds)
    facts = ", ".join(f"{kind} {median(seconds):.1f} s" for kind, seconds in times.items())
    is_over = False
    for kind, limit in LIMITS.items():
        ratio = median(one / other for one, other in zip(times[kind], times["plain"]))
        is_over |= ratio > limit
        shown = "ok  " if ratio <= limit else "over"
        print(f"{f'-n 2, {kind}, over plain':<30} {ratio:>6.3f}  limit {limit:.2f}  {shown}  {facts}")
    print(f"{len(os.sched_getaffinity(0))} processors, load of the last minute {os.getloadavg()[0]:.1f}")
    return int(is_over)


def _seconds(flags: tuple[str, ...], suite: Path, environment: Mapping[str, str]) -> float:
    plugins = ("-p", "pytest_heavyimports.plugin", "-p", "xdist", "-p", "no:cacheprovider")
    begin = time.perf_counter()
    done = subprocess.run(
        [PYTEST, *plugins, "-q", "-n", "2", *flags],
        cwd=suite,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    seconds = time.perf_counter() - begin
    is_right = f"{TESTS} passed" in done.stdout and not done.stderr
    assert is_right, done.stdout + done.stderr
    return seconds


if __name__ == "__main__":
    sys.exit(main())
