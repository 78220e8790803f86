"""What a run has written down, as one :class:`SeenRun`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..facts.records import Sighting, from_plain
from .records import Item, Process, SeenRun


def read_run(folder: Path, arguments: Sequence[str], *, status: int, begun_s: float, wall_s: float) -> SeenRun | None:
    """
    The run whose processes have written into *folder*; ``None`` where it has not even begun.

    Args:
        folder: See :mod:`.hooks`.
        arguments: Those of pytest.
        status: How it ended, as in ``subprocess``.
        begun_s: When it was started, in seconds since the epoch.
        wall_s: How long it took.
    """
    known = _read(folder / "run.json")
    if known is None:
        return None
    run = SeenRun(
        tuple(arguments),
        status,
        wall_s,
        root=known["root"],
        inifile=known["inifile"],
        sights=tuple(_sights(folder)),
    )
    report, main = _read(folder / "report.json"), _read(folder / "facts-main.json")
    if report is None or main is None:
        return run
    workers = [facts for file in sorted(folder.glob("facts-gw*.json")) if (facts := _read(file))]
    # The controller of pytest-xdist runs no test: what a worker has collected is what all of them have.
    collected = next((facts for facts in workers if facts["items"]), main)
    everybody = [main, *workers]
    return run._replace(
        startup_s=max(0.0, main["epoch_s"] - begun_s),
        is_complete=True,
        is_interrupted=main["is_interrupted"],
        has_workers=main["is_distributed"],
        has_warm=main["has_warm"],
        declared=main["declared"],
        guard=main["guard"],
        outcomes=main["outcomes"],
        faults=tuple(sorted({fault for facts in everybody for fault in facts["faults"]})),
        items=tuple(
            Item(nodeid, file, line, tuple(names), is_heavy)
            for nodeid, file, line, names, is_heavy in collected["items"]
        ),
        own={name: file for facts in everybody for name, file in facts["own"].items()},
        installed=frozenset(name for facts in everybody for name in facts["installed"]),
        conftests=tuple(sorted({file for facts in everybody for file in facts["conftests"]})),
        fixtures=_fixtures(everybody),
        processes=tuple(Process(each["name"], each["tree"]) for each in report["processes"]),
    )


def _read(file: Path) -> Any:
    """What a process has written; ``None`` where it has not, or died while it did."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _sights(folder: Path) -> Iterator[Sighting]:
    for file in sorted(folder.glob("sights-*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield from_plain(json.loads(line))


def _fixtures(everybody: Sequence[Any]) -> dict[str, list[tuple[str, int]]]:
    fixtures: dict[str, dict[tuple[str, int], None]] = {}
    for facts in everybody:
        for name, places in facts["fixtures"].items():
            fixtures.setdefault(name, {}).update(((file, line), None) for file, line in places)
    return {name: list(places) for name, places in fixtures.items()}
