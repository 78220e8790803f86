"""How a leak reaches the culprit: a warning where the guard restores, a failure where it is strict."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .errors import HeavyImportWarning, add_note
from .facts.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .facts.evidence import Doer


def tell_report(
    report: pytest.CollectReport,
    leaks: Sequence[Exception],
    collector: pytest.Collector,
    mode: str,
    *,
    on_warned: Callable[[str], object] = str,
) -> pytest.CollectReport:
    """
    The report of a file's collection: failed, in mode ``error``, if the file has left anything displaced.

    *on_warned* is called with each warning that was issued and was not an error.
    """
    if mode == "restore":
        try:
            _warn(leaks, str(collector.path), 1, on_warned)
            return report
        except HeavyImportWarning as warning:  # by -W error
            text = str(warning)
    else:
        text = "\n".join(map(str, leaks))
    if text:
        if report.failed:
            report.sections.append(("heavy imports", text))
        else:
            report.outcome, report.longrepr, report.result = "failed", text, []
    return report


def tell_test(
    leaks: Sequence[Exception], item: pytest.Item, mode: str, *, on_warned: Callable[[str], object] = str
) -> None:
    """Warn, or fail, which makes an error of the test's teardown. There is no traceback: nobody is to look for one."""
    file, line, _ = item.location
    if mode != "error":
        _warn(leaks, str(item.config.rootpath / file), (line or 0) + 1, on_warned)
    elif leaks:
        raise pytest.fail.Exception("\n".join(map(str, leaks)), pytrace=False)


def tell_beside(error: BaseException, leaks: Sequence[Exception]) -> None:
    """The test's teardown has failed, or the run is to stop: that goes on, and takes the leaks along."""
    for leak in leaks:
        add_note(error, str(leak))


def doer_of(item: pytest.Item) -> Doer:
    """The function of a test, without making an instance of its class; the file of a doctest and its like."""
    from .facts.evidence import Doer  # with the guard alone

    name, owner = getattr(item, "originalname", None), getattr(item, "cls", None)
    function = getattr(owner or getattr(item, "module", None), name, None) if name else None
    if function is None:
        return Doer(files=(str(item.path),))
    return Doer(function, arguments={**getattr(item, "funcargs", {}), "self": owner})


def collected_file(collector: pytest.Collector) -> str:
    """The file that is executed while something is collected: that of a directory is its ``conftest.py``."""
    path = collector.path
    return str(path / "conftest.py" if path.is_dir() else path)


def conftest_files(config: pytest.Config) -> tuple[str, ...]:
    """Those that pytest has read."""
    files = (str(getattr(plugin, "__file__", "")) for plugin in config.pluginmanager.get_plugins())
    return tuple(sorted(file for file in files if file.endswith("conftest.py")))


def fixture_place(fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest, phase: str) -> Place:
    """Where a fixture is set up or torn down, in words that its author knows."""
    nodeid = request.node.nodeid
    # Those that pytest makes of setUpClass, setup_module and their like.
    made = re.fullmatch(r"_(?:xunit|unittest)_(\w+?)_fixture_(\w+)", fixturedef.argname)
    name = f"{made[1]} of {made[2]}" if made else fixturedef.argname
    code = getattr(fixturedef.func, "__code__", None)
    if nodeid or code is None:
        return Place(phase, nodeid, name)
    # A session's fixture has no file in its place: that of its function will do.
    return Place(phase, nodeid, name, f"{bestrelpath(request, code.co_filename)}:{code.co_firstlineno}")


def bestrelpath(request: pytest.FixtureRequest, file: str) -> str:
    """A file under the root directory as it is seen from there, another one as it is."""
    path = Path(file)
    root = request.config.rootpath
    return str(path.relative_to(root)) if path.is_relative_to(root) else file


def _warn(leaks: Sequence[Exception], file: str, line: int, on_warned: Callable[[str], object]) -> None:
    """Warn of each; where warnings are errors, one with all of them."""
    raised = []
    for leak in leaks:
        try:
            warnings.warn_explicit(HeavyImportWarning(str(leak)), HeavyImportWarning, file, line)
            on_warned(str(leak))
        except HeavyImportWarning as warning:
            raised.append(str(warning))
    if raised:
        raise HeavyImportWarning("\n".join(raised))
