"""From a run to what is found, and what helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_heavyimports.doctor.diagnosis import diagnose
from pytest_heavyimports.doctor.records import Break, Diagnosis, Process, Remedy, SeenRun, Slow
from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.facts.records import Sighting

from .runs import Project, is_installed, load, tree


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write("app.model", "\nimport torch\n")
    project.write("app.settings", "")
    project.write("test_heavy", "import app.model\n")
    project.write("test_light", "")
    return project


def found(run: SeenRun, *, has_lazy: bool = False) -> Diagnosis:
    return diagnose(run, is_installed, has_lazy=has_lazy)


def heavy_run(project: Project, **facts: object) -> SeenRun:
    """One heavy test file and three light tests; torch takes a second."""
    items = (project.item("test_heavy", "test_it"), *(project.item("test_light", f"test_{n}") for n in range(3)))
    loads = (
        load("test_heavy", 1, line="/python/site-packages/_pytest/pathlib.py:587"),
        load("app.model", 1, 0),
        load("torch", 900, 1, line="app/model.py:2"),
        load("numpy", 100, 2),
        load("test_light", 1),
    )
    return project.run(*loads, items=items, **facts)


def test_a_slow_package_has_its_first_importer_and_the_tests_that_need_it(project: Project) -> None:
    """By file and line, with what it brought in."""
    assert found(heavy_run(project)).slow == (Slow("torch", False, 1_000_000, 1, "app/model.py:2", 1, 0),)


def test_a_slow_own_module_is_found(project: Project) -> None:
    """Though nobody has declared it."""
    conftest = project.write("conftest", "import os\nfrom app import settings\n")
    items = (project.item("test_light", "test_it"),)
    loads = (load("conftest", 1), load("app.settings", 250, 0))
    diagnosis = found(project.run(*loads, items=items, conftests=(conftest,)))
    assert diagnosis.slow == (Slow("app.settings", True, 250_000, 1, "conftest.py:2", 1, 0),)
    assert (
        Remedy(250_000, "app.settings: compute in functions what it computes at its top", *IN_EACH)
        in diagnosis.remedies
    )
    assert [each.what for each in diagnosis.useless] == ["a warm run, --heavy-defer"]


IN_EACH = ("in each run, where no test uses it", True)


def test_a_test_file_is_called_by_its_path(project: Project) -> None:
    """And a ``conftest.py`` is."""
    conftest = project.write("tests.conftest", "")
    project.write("tests.test_slow", "")
    items = (project.item("tests.test_slow", "test_it"),)
    loads = (load("tests.conftest", 200), load("tests.test_slow", 300))
    diagnosis = found(project.run(*loads, items=items, conftests=(conftest,), startup_s=0.0))
    assert [each.name for each in diagnosis.slow] == ["tests/test_slow.py", "tests/conftest.py"]
    assert (diagnosis.remedies, diagnosis.useless) == ((), ())


def test_a_plugin_is_named(project: Project) -> None:
    """What it imports each test pays for."""
    items = (project.item("test_light", "test_it"),)
    loads = (load("pandas", 400, line="/python/lib/site-packages/pytest_frames/plugin.py:3", phase="start-up"),)
    assert found(project.run(*loads, items=items)).slow == (
        Slow("pandas", False, 400_000, 1, "plugin pytest_frames", 1, 1),
    )


def test_what_was_found_in_the_run_alone_is_installed(project: Project) -> None:
    """As what setuptools has vendored, which another process doesn't find."""
    run = project.run(load("vendored", 400), items=(project.item("test_light", "test_it"),), installed={"vendored"})
    assert [each.is_own for each in found(run).slow] == [False]
    assert [each.is_own for each in found(run._replace(installed=frozenset())).slow] == [True]


def test_a_trifle_is_not_slow(project: Project) -> None:
    """Less than a tenth of a second, and nothing is worth while that saves less."""
    diagnosis = found(project.run(load("torch", 50), items=(project.item("test_light", "test_it"),), startup_s=0.05))
    assert (diagnosis.slow, diagnosis.remedies, diagnosis.useless) == ((), (), ())


def test_a_warm_run_saves_installed_imports_and_the_start(project: Project) -> None:
    """Those of each run; own modules are imported anew. It comes first, as it is for all tests."""
    run = heavy_run(project)._replace(arguments=("-k", "not slow"))
    assert found(run).remedies[0] == Remedy(
        1_450_000, "heavyimports run -k 'not slow'", "in each run once it is warm: imports 1.00 s, start 0.45 s", True
    )


def test_long_arguments_are_not_repeated(project: Project) -> None:
    """A command that is cut can't be pasted."""
    run = heavy_run(project)._replace(arguments=("tests/a/test_one.py", "tests/a/test_two.py", "-k", "x"))
    assert found(run).remedies[0].what == "heavyimports run [the same arguments]"


def test_workers_are_forked_from_a_warm_process(project: Project) -> None:
    """The time of the busiest is saved; with ``--heavy-warm`` there is nothing to propose."""
    worker = heavy_run(project).processes[0].tree
    processes = (Process("controller", []), Process("gw0", worker), Process("gw1", worker))
    run = heavy_run(project, processes=processes, has_workers=True)._replace(arguments=("-n", "2"))
    diagnosis = found(run)
    assert diagnosis.slow[0].processes == 2
    why = "in each run once it is warm: 2 processes import for 1.00 s each"
    assert diagnosis.remedies[0] == Remedy(1_000_000, "pytest -n 2 --heavy-warm", why, True)
    assert not any("heavy-warm" in each.what for each in found(run._replace(has_warm=True)).remedies)


def test_light_tests_are_spared_by_deferral(project: Project) -> None:
    """And by moving the import to where it is used, with one more way where Python has lazy imports."""
    why = "in runs of the 3 tests that don't need torch, by -k or --lf"
    alone = "in runs of the 1 test that need it by this alone"
    assert found(heavy_run(project)).remedies[1:] == (
        Remedy(1_000_000, "pytest --heavy-defer", why),
        Remedy(1_000_000, "app/model.py:2: import torch in the functions that use it", alone),
    )
    assert found(heavy_run(project), has_lazy=True).remedies[2].what == (
        "app/model.py:2: import torch lazily, or in the functions that use it"
    )


def test_what_a_test_imports_when_it_runs_needs_no_deferral(project: Project) -> None:
    """By a way that no file shows: that test needs it, and runs without it do without it as they are."""
    items = (project.item("test_light", "test_it"), project.item("test_light", "test_other"))
    loads = (load("torch", 900, line="x.py:1", nodeid="test_light.py::test_it", phase="call"),)
    diagnosis = found(project.run(*loads, items=items))
    assert (diagnosis.slow[0].tests, diagnosis.slow[0].nodeid) == (1, "test_light.py::test_it")
    assert [each.what for each in diagnosis.remedies] == ["heavyimports run"]


def test_tests_that_are_marked_can_be_left_out(project: Project) -> None:
    """Where nothing but a heavy test has imported it."""
    items = (
        project.item("test_light", "test_it", 0, "torch", is_heavy=True),
        project.item("test_light", "test_other"),
    )
    loads = (load("torch", 900, line="x.py:1", nodeid="test_light.py::test_it", phase="setup"),)
    diagnosis = found(project.run(*loads, items=items, declared={"torch": "torch"}))
    why = "in runs of the 1 test that don't need torch"
    assert diagnosis.remedies[1:] == (Remedy(900_000, "pytest -m 'not heavy'", why),)
    assert diagnosis.slow[0].is_declared


def test_what_every_test_needs_nothing_can_put_off(project: Project) -> None:
    """And that is said."""
    items = (project.item("test_heavy", "test_it"),)
    diagnosis = found(project.run(*[dict(each) for each in heavy_run(project).processes[0].tree], items=items))
    assert Remedy(0, "-m 'not heavy', --heavy-defer", "each test needs torch") in diagnosis.useless
    assert not any("defer" in each.what for each in diagnosis.remedies)


def sight(kind: str, who: str, *names: str, again: str = "", how: str = "", remedy: str = "") -> Sighting:
    return Sighting(kind, names, Place("call", "test_it.py::test_it", line=who), how, again, remedy)


def test_breaks_are_one_for_each_statement_the_worst_first(project: Project) -> None:
    """With where the module was executed again because of it."""
    sights = (
        sight("fake", "b.py:1", "torch"),
        sight("left", "a.py:1", "numpy", how="del sys.modules[...]", remedy="Do not."),
        sight("again", "a.py:1", "numpy", how="del sys.modules[...]", again="c.py:7"),
        sight("again", "a.py:1", "numpy", how="del sys.modules[...]", again="c.py:9"),
    )
    breaks = found(project.run(sights=sights)).breaks
    assert breaks == (
        Break(
            ("numpy",),
            "again",
            "a.py:1, in test_it.py::test_it (call)",
            "del sys.modules[...]",
            ("c.py:7", "c.py:9"),
            2,
            "Do not.",
        ),
        Break(("torch",), "fake", "b.py:1, in test_it.py::test_it (call)", "", (), 1, ""),
    )


def test_a_run_that_died_has_breaks_alone(project: Project) -> None:
    """Nobody knows how long anything took: no remedy is promised."""
    run = SeenRun((), -11, 1.0, str(project.folder), "", sights=(sight("again", "a.py:1", "torch"),))
    diagnosis = found(run)
    assert len(diagnosis.breaks) == 1
    assert (diagnosis.slow, diagnosis.remedies, diagnosis.useless) == ((), (), ())


def test_the_time_of_imports_is_that_of_one_process(project: Project) -> None:
    """In which it was most."""
    processes = (Process("gw0", tree(load("torch", 300), load("json", 50))), Process("gw1", tree(load("torch", 200))))
    assert found(project.run(processes=processes)).imports_us == 350_000
