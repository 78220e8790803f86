"""Measuring of imports: what was a part of what, how long it took, and that nobody notices."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

import pytest_heavyimports.imports.reload  # noqa: F401  # a guard imports it when it is installed
from pytest_heavyimports.facts.ledger import Ledger
from pytest_heavyimports.facts.measure import Clock
from pytest_heavyimports.facts.places import Place, Whereabouts
from pytest_heavyimports.facts.records import Load
from pytest_heavyimports.guard.session import Guard
from pytest_heavyimports.imports.install import install
from pytest_heavyimports.imports.keeper import Keeper
from pytest_heavyimports.imports.measuring import Measurer, install_measuring

HERE = Place("call", line="here.py:1")
MODULES = {
    "mpkg/__init__.py": "import time\ntime.sleep(0.02)\nfrom . import inner\nfrom .tried import missing_is_fine\n",
    "mpkg/inner.py": "import time\ntime.sleep(0.03)\nimport mother\n",
    "mpkg/tried.py": "try:\n    import mfailing\nexcept ValueError:\n    missing_is_fine = True\n",
    "mother.py": "",
    "mfailing.py": "import mother\nraise ValueError('it fails')\n",
    "mthreaded.py": "import threading\nt = threading.Thread(target=__import__, args=('mother',), name='loader')\n"
    "t.start()\nt.join()\n",
}


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for file, text in MODULES.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(("mpkg", "mother", "mfailing", "mthreaded"))]:
        del sys.modules[name]


@pytest.fixture
def measurer() -> Iterator[Measurer]:
    measurer = Measurer(Clock(), lambda: HERE)
    with install_measuring(measurer):
        yield measurer


Tree = dict[str, tuple[str, Load]]


def _tree(measurer: Measurer) -> Tree:
    """Each load with the name of its importer."""
    loads = measurer.take(is_last=True)
    return {load.fullname: (loads[load.importer].fullname if load.importer >= 0 else "", load) for load in loads}


def test_loads_are_nested_as_the_imports_are(modules: Path, measurer: Measurer) -> None:
    """Each lies within its importer, beside its siblings, and only what nobody imports knows its place."""
    importlib.import_module("mpkg")
    tree = _tree(measurer)
    importers = {name: importer for name, (importer, _) in tree.items()}
    expected = {
        "mpkg": "",
        "mpkg.inner": "mpkg",
        "mother": "mpkg.inner",
        "mpkg.tried": "mpkg",
        "mfailing": "mpkg.tried",
    }
    assert importers == expected
    for name, (importer, load) in tree.items():
        assert load.begin_us <= load.end_us
        if importer:
            assert tree[importer][1].begin_us <= load.begin_us and load.end_us <= tree[importer][1].end_us
        assert load.place == (None if importer else HERE), name
    assert tree["mpkg.inner"][1].end_us <= tree["mpkg.tried"][1].begin_us
    seconds = {name: (load.end_us - load.begin_us) / 1e6 for name, (_, load) in tree.items()}
    assert seconds["mpkg"] >= 0.05
    assert 0.03 <= seconds["mpkg.inner"] < seconds["mpkg"] - 0.02


def test_a_failed_import_has_its_error(modules: Path, measurer: Measurer) -> None:
    """The error passes as it is, with no frame of ours in its traceback."""
    with pytest.raises(ValueError, match="it fails") as caught:
        importlib.import_module("mfailing")
    files = [Path(entry.path).name for entry in caught.traceback]
    assert files[-1] == "mfailing.py"
    assert "measuring.py" not in files
    assert _tree(measurer)["mfailing"][1].error == "ValueError('it fails')"


def test_threads_are_kept_apart(modules: Path, measurer: Measurer) -> None:
    """What another thread imports is no part of what this one imports, and threads of one name are told apart."""
    importlib.import_module("mthreaded")
    importer, load = _tree(measurer)["mother"]
    assert (importer, load.thread) == ("", "loader")
    del sys.modules["mother"]
    thread = threading.Thread(target=importlib.import_module, args=("mother",), name="loader")
    thread.start()
    thread.join()
    assert _tree(measurer)["mother"][1].thread == "loader (2)"


def test_nobody_notices(modules: Path, measurer: Measurer) -> None:
    """The real loader is in the module before its code runs, and who only asks gets it as well."""
    (modules / "mother.py").write_text("loader = __loader__\nspec_loader = __spec__.loader\n", encoding="utf-8")
    spec = importlib.util.find_spec("mother")
    assert spec is not None and type(spec.loader) is SourceFileLoader
    module = importlib.import_module("mother")
    assert type(module.loader) is type(module.spec_loader) is SourceFileLoader
    assert module.__loader__ is module.__spec__.loader


def test_a_module_that_is_executed_later_is_measured_then(modules: Path, measurer: Measurer) -> None:
    """As with ``importlib.util.LazyLoader``: what was created is one load, what is executed later another one."""
    spec = measuring_spec("mpkg")
    module = importlib.util.module_from_spec(spec)
    importlib.import_module("mother")
    sys.modules["mpkg"] = module
    spec.loader.exec_module(module)
    loads = measurer.take(is_last=True)
    tops = [load.fullname for load in loads if load.importer < 0]
    assert tops == ["mother", "mpkg"]
    assert loads[0].end_us <= loads[1].begin_us


def measuring_spec(fullname: str) -> Any:
    """The spec that importlib would get."""

    def _find_and_load_unlocked() -> Any:
        def _find_spec() -> Any:
            return sys.meta_path[0].find_spec(fullname, None, None)

        return _find_spec()

    return _find_and_load_unlocked()


def test_extension_modules_have_their_time(measurer: Measurer, fresh: Callable[..., str]) -> None:
    """A shared library is opened when the module is created, and what its initialisation imports is a part of it."""
    printed = fresh(
        """
        from pytest_heavyimports.imports.measuring import install_measuring
        from pytest_heavyimports.imports.measuring import Measurer
        from pytest_heavyimports.facts.measure import Clock
        from pytest_heavyimports.facts.places import Place

        measurer = Measurer(Clock(), lambda: Place("start"))
        with install_measuring(measurer):
            import numpy
        loads = measurer.take(is_last=True)
        names = {load.fullname: load for load in loads}
        core = names["numpy._core._multiarray_umath"]
        inside = [load for load in loads if load.importer >= 0 and loads[load.importer] is core]
        print(len(names) == len(loads), core.end_us - core.begin_us > 100, bool(inside), core.rss_end_bytes > 2**20)
        """
    )
    assert printed == "True True True True\n"


def test_two_measurers_and_a_guard_ask_each_other_once(modules: Path, measurer: Measurer) -> None:
    """A session inside of a test has a finder of its own before that of the outer one: each measures all."""

    def guarding(keeper: Keeper) -> Guard:
        guard = Guard("restore", keeper, ledger=Ledger(), whereabouts=Whereabouts("/"), around=nullcontext)
        guard.protect({"mpkg": "mpkg"})
        return guard

    outer, inner, second = Keeper(), Keeper(), Measurer(Clock(), lambda: HERE)
    with install(guarding(outer), outer), install_measuring(second), install(guarding(inner), inner):
        importlib.import_module("mpkg")
    assert _tree(measurer).keys() == _tree(second).keys() >= {"mpkg", "mpkg.inner", "mother"}


def test_loads_are_taken_once_they_are_over(modules: Path, measurer: Measurer) -> None:
    """What is still going on waits for the next time, with all that came after it; numbers go on counting."""
    taken: list[list[Load]] = []
    (modules / "mother.py").write_text("import sys\nsys.take()\n", encoding="utf-8")
    sys.take = lambda: taken.append(measurer.take(is_last=False))  # type: ignore[attr-defined]  # for the module
    try:
        importlib.import_module("mpkg.inner")
    finally:
        del sys.take  # type: ignore[attr-defined]
    taken.append(measurer.take(is_last=False))
    assert taken[0] == []
    names = [load.fullname for load in taken[1]]
    assert names[:2] == ["mpkg", "mpkg.inner"]
    del sys.modules["mother"]
    (modules / "mother.py").write_text("import mfresh\n", encoding="utf-8")
    (modules / "mfresh.py").write_text("", encoding="utf-8")
    importlib.invalidate_caches()
    importlib.import_module("mother")
    assert [(load.fullname, load.importer) for load in measurer.take(is_last=False)] == [
        ("mother", -1),
        ("mfresh", len(names)),
    ]
    sys.modules.pop("mfresh")


def test_memory_of_python_is_known_where_tracemalloc_is_on(modules: Path, measurer: Measurer) -> None:
    """And only there."""
    import tracemalloc

    importlib.import_module("mother")
    assert _tree(measurer)["mother"][1].traced_end_bytes is None
    del sys.modules["mother"]
    (modules / "mother.py").write_text("block = bytearray(2**22)\n", encoding="utf-8")
    tracemalloc.start()
    try:
        importlib.import_module("mother")
    finally:
        tracemalloc.stop()
    load = _tree(measurer)["mother"][1]
    assert load.traced_begin_bytes is not None and load.traced_end_bytes is not None
    assert load.traced_end_bytes - load.traced_begin_bytes > 2**22
