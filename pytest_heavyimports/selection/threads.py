"""How many threads each worker of pytest-xdist may use, and the variables that libraries read that from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "OMP_NUM_THREADS": (),
    "MKL_NUM_THREADS": ("OMP_NUM_THREADS",),
    "OPENBLAS_NUM_THREADS": ("GOTO_NUM_THREADS", "OMP_NUM_THREADS"),
    "BLIS_NUM_THREADS": ("OMP_NUM_THREADS",),
    "NUMEXPR_NUM_THREADS": ("OMP_NUM_THREADS",),
    "RAYON_NUM_THREADS": (),
    "VECLIB_MAXIMUM_THREADS": (),
}
"""
Each variable that a library reads when it is loaded, with those that it reads where that one is not set.

Not NUMEXPR_MAX_THREADS: it is a limit, beyond which ``numexpr.set_num_threads`` raises in a test.
"""
NUMEXPR, NUMEXPR_LIMIT = "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS"
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def variables(threads: int, environment: Mapping[str, str]) -> dict[str, str]:
    """
    What to set so that each library uses so many threads.

    Args:
        threads: At least 1.
        environment: What is set already, and stays: the number that a library reads is not changed.
    """
    asked = {
        name: str(threads)
        for name, others in VARIABLES.items()
        if not any(each in environment for each in (name, *others))
    }
    limit = environment.get(NUMEXPR_LIMIT, "")
    if NUMEXPR in asked and limit.isdecimal():  # numexpr can't be imported with more threads than that
        asked[NUMEXPR] = str(min(threads, int(limit)))
    return asked


def share(asked: str, workers: int) -> int:
    """The threads of one worker: ``auto`` is its share of the processors, at least 1."""
    return max(1, processors() // workers) if asked == "auto" else int(asked)


def processors() -> int:
    """How many processors this process may use: by its affinity, and by the quotas of its control group (version 2)."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    if ours := getattr(os, "process_cpu_count", None):  # Python 3.13, which knows -X cpu_count as well
        count = ours() or count
    return max(1, min((count, *_quotas())))


def _quotas() -> Iterator[int]:
    with suppress(OSError, ValueError):
        group = next(line[3:] for line in OWN_CGROUP.read_text().splitlines() if line.startswith("0::"))
        place = CGROUPS / group.lstrip("/")
        for folder in (place, *place.parents):
            with suppress(OSError, ValueError):  # "max" is no number
                quota, period = map(int, (folder / "cpu.max").read_text().split())
                yield quota // period
