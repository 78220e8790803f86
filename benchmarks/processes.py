"""The processes of a benchmark, whoever has started them: found by a variable in their environment."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

MARK = "HEAVY_BENCHMARK"
"""The variable. Its value is one that no other benchmark has."""
LOOK_S = 0.2


@dataclass(frozen=True)
class Ended:
    """A command that has ended, or was ended."""

    status: int | None
    """Negative where a signal has ended it; None where it took too long."""
    seconds: float
    peak_bytes: int
    """The most that all processes had at once, what they share counted once; 0 where nobody looked."""
    output: str
    youngest_bytes: int = 0
    """The same of those alone that have started no others: of a run that is dealt out, the workers."""


def run(
    command: Sequence[str | Path],
    directory: Path,
    environment: Mapping[str, str],
    limit_s: float,
    *,
    looks: bool = False,
    but_itself: bool = False,
) -> Ended:
    """
    Run a command to its end.

    Args:
        command: Its arguments.
        directory: Where it runs.
        environment: Its variables, with the mark.
        limit_s: After so many seconds it is ended, with all processes that have the mark.
        looks: Whether memory is looked at meanwhile, which takes some time.
        but_itself: Whether the memory of the command's own process is left out.
    """
    mark = environment[MARK]
    peaks, youngest, is_over, is_late = [0], [0], threading.Event(), threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_S):
            found = {
                number: shared_out(number) for number in marked(mark) if not (but_itself and number == process.pid)
            }
            peaks.append(sum(found.values()))
            parents = set(map(parent, found))
            youngest.append(sum(size for number, size in found.items() if number not in parents))

    def stop() -> None:
        is_late.set()
        end(mark)

    # No pipe: a resident process that has it, too, would keep it open.
    file = directory / "output.txt"
    with file.open("wb") as output:
        begin = perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        looker, timer = threading.Thread(target=look), threading.Timer(limit_s, stop)
        if looks:
            looker.start()
        timer.start()
        # Without a limit of its own, since that would look at the clock twenty times a second.
        status = process.wait()
        seconds = perf_counter() - begin
    timer.cancel()
    is_over.set()
    for thread in filter(threading.Thread.is_alive, (timer, looker)):
        thread.join()
    text = file.read_text(encoding="utf-8", errors="replace")
    return Ended(None if is_late.is_set() else status, seconds, max(peaks), text, max(youngest))


def end(mark: str) -> None:
    """End all processes that have the mark, and see that they are gone."""
    while found := marked(mark):
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def marked(mark: str) -> list[int]:
    """The processes whose environment has the mark."""
    variable = f"{MARK}={mark}".encode()
    found = []
    for entry in os.listdir("/proc"):
        try:
            # Of a process that has ended, and that nobody has waited for, the environment is empty.
            if entry.isdecimal() and variable in Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                found.append(int(entry))
        except OSError:
            continue  # ended, or not ours
    return found


def parent(process: int) -> int:
    """The process that has started another one; 0 where that has ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def shared_out(process: int) -> int:
    """The bytes that a process has, what it shares divided by those who share it (PSS)."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0  # ended
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
