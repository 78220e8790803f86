"""
Random packages, suites and changes between runs: a warm run is what a plain one is, or says that it may not be.

``HEAVYIMPORTS_EXAMPLES`` sets how many projects are tried, ``HEAVYIMPORTS_SEED`` which ones; each takes :data:`STEPS`
steps, and each step is run plainly and warm.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from .differences import BEFORE, CHANCE, CONFTESTS, EFFECTS, PACKAGES, READS, Project, difference

EXAMPLES = int(os.environ.get("HEAVYIMPORTS_EXAMPLES", "3"))
SEED = int(os.environ.get("HEAVYIMPORTS_SEED", "0"))
STEPS = 8
NEVER_WARM = "may differ from a plain one"

TALLY: Counter[str] = Counter()
"""What became of the steps; shown by ``-s``."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300 if EXAMPLES <= 3 else 0),
    pytest.mark.skipif(sys.platform != "linux", reason="warm processes need Linux"),
]

bodies = st.tuples(
    st.lists(st.sampled_from(sorted(READS)), max_size=3, unique=True),
    st.sampled_from([*[[]] * len(EFFECTS), *([effect] for effect in sorted(EFFECTS))]),
    st.sampled_from([*[""] * 12, *sorted(CHANCE)]),
    st.lists(st.sampled_from(PACKAGES), max_size=1),
)
tests = st.lists(
    st.tuples(
        st.sampled_from([*["nothing"] * len(BEFORE), *sorted(BEFORE)]), st.sampled_from([*PACKAGES, ""]), st.booleans()
    ),
    min_size=1,
    max_size=3,
)


def body_of(package: str, drawn: Any) -> str:
    """The source of a package."""
    reads, effects, chance, others = drawn
    lines = [f"import {other}" for other in others if other > package]
    lines += ["V = [" + ", ".join(READS[read] for read in reads) + "]"]
    lines += [EFFECTS[effect] for effect in effects]
    lines += [CHANCE[chance]] if chance else []
    return "\n".join(lines) + "\n"


def file_of(number: int, drawn: Any) -> str:
    """The source of a test file."""
    lines = ["import pathlib, sys, types, warnings", "from look import note"]
    lines += [f"import {package}" for _, package, is_first in drawn if package and is_first]
    lines += [f"note('file {number}')"]
    for count, (before, package, is_first) in enumerate(drawn):
        lines += [f"def test_{count}(monkeypatch, tmp_path_factory):", f"    {BEFORE[before] or 'pass'}"]
        lines += [f"    import {package}"] if package and not is_first else []
        lines += [f"    note('test {number}.{count}')"]
    return "\n".join(lines) + "\n"


def take_step(project: Project, data: st.DataObject, count: int) -> tuple[str, list[str], str]:
    """Change something; what, with the arguments and the directory of the next run."""
    kinds = [
        *["nothing"] * 6,
        "edit",
        "edit in place",
        "data",
        "conf",
        "home",
        "set",
        "unset",
        "other",
        "suite",
        "conftest",
    ]
    kind = data.draw(st.sampled_from([*kinds, "optional", "shadow", "nothing", "part"]))
    package = data.draw(st.sampled_from(PACKAGES))
    directory = data.draw(st.sampled_from([*["."] * 7, "more"]))
    file = data.draw(st.sampled_from(["", "", "test_0.py", "test_1.py"]))
    what = f"{kind} {package}"
    if kind == "edit":
        project.install(package, f"1.{count}", body_of(package, data.draw(bodies)))
    elif kind == "edit in place":
        target = project.site / package / "__init__.py"
        facts, text = target.stat(), target.read_text()
        with target.open("r+") as opened:
            opened.write(
                text.replace("NAME = 'z", "NAME = 'Z") if "'z" in text else text.replace("NAME = 'Z", "NAME = 'z")
            )
        os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    elif kind == "data":
        (project.site / package / "data").write_text(str(count))
    elif kind in ("conf", "home"):
        target = project.path / "conf" if kind == "conf" else project.home / ".conf"
        if data.draw(st.booleans()):
            target.write_text(str(count))
        else:
            target.unlink(missing_ok=True)
    elif kind == "set":
        project.variables[data.draw(st.sampled_from(["VAR_A", "VAR_B"]))] = data.draw(st.sampled_from(["1", "2"]))
    elif kind == "unset":
        project.variables.clear()
    elif kind == "other":
        project.variables["OTHER"] = data.draw(st.sampled_from(["1", "2"]))
    elif kind == "suite":
        number = data.draw(st.integers(0, 1))
        project.write(f"test_{number}.py", file_of(number, data.draw(tests)))
    elif kind == "conftest":
        name = data.draw(st.sampled_from(sorted(CONFTESTS)))
        project.write("conftest.py", CONFTESTS[name])
        what += f": {name}"
    elif kind == "optional":
        place = data.draw(st.sampled_from([project.site, project.path, project.path / "more"]))
        target = place / "zoptional.py"
        if data.draw(st.booleans()):
            target.write_text(f"V = {place.name!r}\n")
        else:
            target.unlink(missing_ok=True)
    elif kind == "shadow":
        target = project.path / data.draw(st.sampled_from([".", "more"])) / f"{package}.py"
        if target.exists():
            target.unlink()
        else:
            target.write_text("NAME, V = 'shadow', []\n")
    elif kind == "part":
        what += f": import of {package}.part"
        project.write(
            "test_1.py", f"from look import note\nimport {package}.part\ndef test_part():\n    note('part')\n"
        )
    paths = [
        os.path.join(".." if directory == "more" else ".", name)
        for name in ([file] if file else ["test_0.py", "test_1.py"])
    ]
    return what, paths, directory


@seed(SEED)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate] if EXAMPLES > 3 else [Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
@given(data=st.data())
def test_a_warm_run_is_what_a_plain_one_is(data: st.DataObject) -> None:
    """After each step: the same outcomes, the same findings, the same files, and never the same chance."""
    with tempfile.TemporaryDirectory(prefix="differences-") as name:
        project = Project(Path(name))
        try:
            for package in PACKAGES:
                project.install(package, "1.0", body_of(package, data.draw(bodies)))
            for number in (0, 1):
                project.write(f"test_{number}.py", file_of(number, data.draw(tests)))
            history = []
            for count in range(STEPS):
                what, arguments, directory = take_step(project, data, count) if count else ("begin", [], ".")
                history.append(f"{what}, {arguments} in {directory}")
                note(history[-1])
                plain = project.plain(*arguments, directory=directory)
                warm, said = project.warm(*arguments, directory=directory)
                found = difference(plain, warm) or project.draws_again()
                TALLY["steps"] += 1
                TALLY["empty"] += not plain.notes
                TALLY["told"] += NEVER_WARM in said
                TALLY["different and told"] += bool(found)
                TALLY["plain"] += "this is a plain run" in said
                assert not found or NEVER_WARM in said, "\n".join([found, *history, said, _sources(project)])
        finally:
            TALLY["inherited"] += project.inherited
            TALLY["executed"] += project.executed
            print(dict(TALLY))
            project.command("stop")


CHANGES = {
    "by walking": lambda project: project.variables.update(VAR_A="1"),
    "by C": lambda project: project.variables.update(VAR_A="1"),
    "by a process": lambda project: project.variables.update(VAR_B="1"),
    "a file": lambda project: project.write("conf", "new"),
    "a file of the home": lambda project: (project.home / ".conf").write_text("new"),
    "a file beside it": lambda project: (project.site / "za" / "data").write_text("new"),
    "a listing": lambda project: project.write("conf-more", "new"),
    "whether it is there": lambda project: (project.home / ".conf").touch(),
    "an optional module": lambda project: (project.site / "zoptional.py").write_text("V = 1"),
    "whether a module is there": lambda project: project.write("zoptional.py", "V = 1"),
}
"""What is done between two runs, by what an import reads."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty one."""
    project = Project(tmp_path / "base")
    yield project
    project.command("stop")


def agree(project: Project, *arguments: str) -> None:
    """A plain run and a warm one are the same, and nothing is told."""
    plain = project.plain(*arguments)
    warm, said = project.warm(*arguments)
    assert plain.notes
    assert (difference(plain, warm), said.count(NEVER_WARM)) == ("", 0)


@pytest.mark.parametrize("read", sorted(CHANGES))
def test_a_change_of_what_an_import_reads_is_seen(project: Project, read: str) -> None:
    """After two runs by which the package is warm."""
    project.install("za", "1.0", body_of("za", ([read], [], "", [])))
    project.write("test_0.py", file_of(0, [("nothing", "za", True)]))
    agree(project)
    agree(project)
    assert project.inherited
    CHANGES[read](project)
    agree(project)
    agree(project)


@pytest.mark.parametrize("effect", sorted(EFFECTS))
def test_what_an_import_does_to_others_is_done_in_its_runs_alone(project: Project, effect: str) -> None:
    """In the run that makes the import, and not in the one that doesn't."""
    project.install("za", "1.0", body_of("za", ([], [effect], "", [])))
    project.write("test_0.py", file_of(0, [("nothing", "za", True)]))
    project.write("test_1.py", file_of(1, [("nothing", "", True)]))
    for file in ("test_0.py", "test_0.py", "test_1.py", "test_0.py"):
        agree(project, file)


@pytest.mark.parametrize("before", sorted(BEFORE.keys() - {"nothing", "errors for warnings"}))
def test_what_a_test_does_before_an_import_is_seen_by_it(project: Project, before: str) -> None:
    """Also where the package is warm, since another test file imports it as it is."""
    project.install("za", "1.0", body_of("za", (["by name", "the directory", "an optional module"], [], "", [])))
    project.write("more/zoptional.py", "V = 'more'\n")
    project.write("test_0.py", file_of(0, [("nothing", "za", True)]))
    project.write("test_1.py", file_of(1, [(before, "za", False)]))
    for file in ("test_0.py", "test_0.py", "test_1.py", "test_1.py", "test_0.py"):
        agree(project, file)
    assert project.inherited


@pytest.mark.parametrize("chance", sorted(CHANCE))
def test_chance_is_another_one_in_each_run(project: Project, chance: str) -> None:
    """Whatever an import draws."""
    project.install("za", "1.0", body_of("za", ([], [], chance, [])))
    project.write("test_0.py", file_of(0, [("nothing", "za", True)]))
    for _ in range(3):
        agree(project)
    assert project.draws_again() == ""


def _sources(project: Project) -> str:
    files = [*sorted(project.site.glob("z*/__init__.py")), *sorted(project.path.glob("*.py"))]
    shown = [(file, file.read_text()) for file in files if file.name != "look.py"]
    return "\n".join(
        f"--- {file.parent.name}/{file.name}\n{text[text.find('NAME =') :] if 'NAME =' in text else text}"
        for file, text in shown
    )
