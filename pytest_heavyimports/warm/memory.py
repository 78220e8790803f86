"""The memory of a warm process, and of the machine."""

from __future__ import annotations

from contextlib import suppress

LEAST_FREE = 0.1
"""The part of the machine's memory that must be available for it to stay."""


def memory_of(process: int) -> int:
    """Bytes that are a process's own, its part of what it shares with others included."""
    with suppress(OSError), open(f"/proc/{process}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def is_memory_short() -> bool:
    """Whether the machine has less to give than it should have."""
    facts: dict[str, int] = {}
    with suppress(OSError, ValueError), open("/proc/meminfo", encoding="ascii") as meminfo:
        for line in meminfo:
            name, _, rest = line.partition(":")
            facts[name] = int(rest.split()[0])
    return facts.get("MemAvailable", 1) < LEAST_FREE * facts.get("MemTotal", 0)
