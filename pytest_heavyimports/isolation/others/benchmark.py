"""pytest-benchmark: the figures of each test are put into tables and files at the end of the run."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ...config.hooks import Hooks

if TYPE_CHECKING:
    import pytest

MODULE = "pytest_benchmark"
NAME = "pytest-benchmark"
NEEDED = ("config:_benchmarksession.benchmarks", "pytest_benchmark.stats:Metadata.as_dict")
"""5.2 has these."""


def is_used(config: pytest.Config) -> bool:
    """Whether it times anything in this run."""
    session = getattr(config, "_benchmarksession", None)
    return session is not None and not session.disabled


def writes(_: pytest.Config) -> str:
    """It deletes nothing."""
    return ""


class BenchmarkHooks(Hooks):
    """Makes figures of a test in another process ones of this session."""

    def __init__(self, config: pytest.Config) -> None:
        self._session: Any = config._benchmarksession  # type: ignore[attr-defined]  # where its fixture finds it

    def pytest_heavy_isolated_send(self, item: pytest.Item) -> tuple[str, object] | None:
        timed = [_packed(each) for each in self._session.benchmarks if each.fullname == item.nodeid]
        return (MODULE, timed) if timed else None

    def pytest_heavy_isolated_receive(self, item: pytest.Item, name: str, value: Any) -> None:
        if name == MODULE:
            self._session.benchmarks += [self._unpacked(item, *timed) for timed in value]

    def _unpacked(self, item: pytest.Item, facts: dict[str, Any], options: Any, more: Any) -> Any:
        iterations, data, profile = more
        params = getattr(item, "callspec", None)
        fixture = SimpleNamespace(
            **facts,
            param=params.id if params else None,
            params=params.params if params else None,
            cprofile_stats=_profile(profile),
        )
        made = importlib.import_module("pytest_benchmark.stats").Metadata(fixture, iterations, options)
        made.stats.data = data
        return made


HOOKS = BenchmarkHooks


def _packed(timed: Any) -> tuple[Any, ...]:
    facts = {name: getattr(timed, name) for name in ("name", "fullname", "group", "extra_info", "has_error")}
    profile = timed.cprofile_stats and timed.cprofile_stats.stats
    # Names stand for functions among the options, as in the file that it writes.
    return facts, timed.as_dict(stats=False)["options"], (timed.iterations, timed.stats.data, profile)


def _profile(stats: Any) -> Any:
    """What cProfile has counted, as pstats has it; ``None`` where it has not."""
    if not stats:
        return None
    import pstats  # where profiles are asked for

    made: Any = pstats.Stats()
    made.stats = stats
    made.get_top_level_stats()
    return made
