"""
A scheduler of pytest-xdist's that has the tests of one group run by one worker.

pytest-xdist's own, ``loadgroup``, finds the groups at the ends of nodeids, where 3.8.0 can't write them under pytest
9.2 (its issue 1386). Here each worker writes the groups to a file, before it says that it has collected: nodeids stay
as they are. Only where pytest-xdist distributes the tests is this imported.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xdist.scheduler import (  # type: ignore[import-untyped]  # it has no types
    LoadGroupScheduling,
    LoadScheduling,
    LoadScopeScheduling,
)

if TYPE_CHECKING:
    import pytest

INPUT = "heavyimports_groups"
"""In a worker's input: the file for its groups."""
REPLACED = (LoadScheduling, LoadGroupScheduling)
"""The schedulers that this one is used in place of."""


class GroupFiles:
    """The files of all workers, in a folder of this run's own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="heavyimports-groups-")
        self.close = self._folder.cleanup

    def file_of(self, worker: str) -> Path:
        """Where a worker writes, or has written, its groups."""
        return Path(self._folder.name, f"{worker}.json")


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # the same
    """Each group is one piece of work, and so is each test that is in none."""

    def __init__(self, config: pytest.Config, log: Any, files: GroupFiles) -> None:
        super().__init__(config, log)
        self._files = files
        self._groups: Mapping[str, str] = {}

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        """All workers collect the same tests: the groups of the first one are those of all."""
        file = self._files.file_of(node.gateway.id)
        if not self.collection and file.exists():
            self._groups = read_groups(file)
        super().add_node_collection(node, collection)

    def remove_node(self, node: Any) -> str | None:
        """As by ``load``, a test whose worker has died is not run again, which would end the next worker, too."""
        for unit in self.assigned_work[node].values():
            for nodeid, is_complete in unit.items():
                if not is_complete:
                    unit[nodeid] = True
                    super().remove_node(node)
                    return str(nodeid)
        super().remove_node(node)
        return None

    def _split_scope(self, nodeid: str) -> str:
        return self._groups.get(nodeid, nodeid)


def write_groups(file: Path, groups: Mapping[str, str]) -> None:
    """
    Write the group of each test that is in one, by its nodeid.

    Raises:
        OSError: There is no such folder: the worker is on another machine.
    """
    file.write_text(json.dumps(groups), encoding="utf-8")


def read_groups(file: Path) -> Mapping[str, str]:
    """The group of each test that is in one, by its nodeid."""
    groups: Mapping[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return groups
