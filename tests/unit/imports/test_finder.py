"""The finder at the head of sys.meta_path, installed as a session does it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import reload as early_bound_reload
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

from pytest_heavyimports.imports.install import install
from pytest_heavyimports.imports.keeper import Half, Keeper

Executed = Callable[[], "list[str]"]


class Watch:
    """Notes what the import system tells, and gives the answers that the test sets."""

    def __init__(self) -> None:
        self.protected = {"counted", "outer", "halfway", "sluggish"}
        self.gives_back = True
        self.lifted = False
        self.events: list[str] = []

    def is_lifted(self) -> bool:
        return self.lifted

    def is_protected(self, fullname: str) -> bool:
        return fullname.partition(".")[0] in self.protected

    def on_other(self, fullname: str) -> None:
        pass

    def lets_go(self, fullname: str) -> bool:  # noqa: ARG002  # a Judge
        return False

    def on_reload(self, fullname: str) -> bool:
        self.events.append(f"reload {fullname}")
        return self.gives_back

    def on_reimport(self, fullname: str, *, is_nested: bool) -> None:  # noqa: ARG002  # a Judge
        self.events.append(f"reimport {fullname}")

    def on_half(self, fullname: str, half: Half) -> NoReturn:
        self.events.append(f"half {fullname}")
        raise half.error

    @contextmanager
    def importing(self, fullname: str) -> Iterator[None]:
        self.events.append(f"import {fullname}")
        try:
            yield
        except BaseException as error:
            self.events.append(f"{type(error).__name__} in {fullname}")
            raise
        self.events.append(f"imported {fullname}")


def _install(watch: Watch) -> ExitStack:
    return install(watch, Keeper())


@pytest.fixture
def watch(samples: Executed) -> Iterator[Watch]:
    """A watch over the samples, closed at the end."""
    watch = Watch()
    with _install(watch):
        yield watch


def test_the_first_import_of_a_protected_module_is_told(watch: Watch, samples: Executed) -> None:
    """Told before and after the module's execution, once: a second import statement finds it in sys.modules."""
    importlib.import_module("counted")
    importlib.import_module("counted")
    assert watch.events == ["import counted", "imported counted"]
    assert samples() == ["counted"]


def test_the_rest_is_left_alone(watch: Watch) -> None:
    """A module that is not protected is found by the others, and nothing is told."""
    importlib.import_module("plain")
    assert watch.events == []


def test_only_the_outermost_import_is_told(watch: Watch) -> None:
    """What a protected module brings in belongs to its import."""
    importlib.import_module("outer")
    assert watch.events == ["import outer", "imported outer"]


def test_a_part_that_is_imported_later_is_told(watch: Watch) -> None:
    """A submodule of a package that is there already is an import of its own."""
    importlib.import_module("counted")
    importlib.import_module("counted.part")
    assert watch.events[2:] == ["import counted.part", "imported counted.part"]


def test_a_failed_import_is_told_and_raised(watch: Watch) -> None:
    """The error passes, and the next import is an outermost one again."""
    with pytest.raises(OSError, match="libhalfway"):
        importlib.import_module("halfway")
    importlib.import_module("counted")
    assert watch.events == ["import halfway", "OSError in halfway", "import counted", "imported counted"]


def test_a_missing_part_is_missing(watch: Watch) -> None:
    """A protected name that nobody finds gives the error that it always gave."""
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'counted\.nothing'") as caught:
        importlib.import_module("counted.nothing")
    assert caught.value.name == "counted.nothing"


def test_two_threads_have_an_outermost_import_each(watch: Watch) -> None:
    """An import under way in one thread doesn't hide that of another."""
    thread = threading.Thread(target=importlib.import_module, args=("sluggish",))
    thread.start()
    while "import sluggish" not in watch.events:
        thread.join(timeout=0.001)
    importlib.import_module("counted")
    thread.join()
    assert sorted(watch.events) == sorted(
        ["import sluggish", "imported sluggish", "import counted", "imported counted"]
    )


def test_a_reload_that_was_bound_early_is_seen(watch: Watch, samples: Executed) -> None:
    """``from importlib import reload`` before the session gets the same answer as ``importlib.reload``."""
    module = importlib.import_module("counted")
    spec, loader, names = module.__spec__, module.__loader__, dict(vars(module))
    del watch.events[:]
    assert early_bound_reload(module) is module
    assert watch.events == ["reload counted"]
    assert samples() == ["counted"]
    assert module.__spec__ is spec
    assert module.__loader__ is loader
    assert vars(module) == names


def test_a_reload_that_is_allowed_executes_the_module(watch: Watch, samples: Executed) -> None:
    """Where the answer is no, the module is reloaded as ever."""
    watch.gives_back = False
    module = importlib.import_module("counted")
    assert early_bound_reload(module) is module
    assert importlib.reload(module) is module
    assert samples() == ["counted"] * 3
    assert module.__spec__ is not None
    assert module.__spec__.loader is module.__loader__


def test_closing_takes_everything_away(samples: Executed) -> None:
    """After the handle is closed, twice even, finder and reload are as before, and nothing is told."""
    before = list(sys.meta_path), importlib.reload
    watch = Watch()
    handle = _install(watch)
    assert len(sys.meta_path) == len(before[0]) + 1
    assert importlib.reload is not before[1]
    handle.close()
    handle.close()
    assert (list(sys.meta_path), importlib.reload) == before
    importlib.reload(importlib.import_module("counted"))
    assert watch.events == []


def test_closing_leaves_the_finders_of_others(samples: Executed) -> None:
    """A finder that somebody has put before ours meanwhile stays where it is."""

    class Other:
        """Finds nothing."""

        def find_spec(self, *_: object) -> None:
            return None

    watch, other = Watch(), Other()
    handle = _install(watch)
    sys.meta_path.insert(0, other)
    handle.close()
    try:
        assert sys.meta_path[0] is other
    finally:
        sys.meta_path.remove(other)


def test_a_watch_inside_a_watch(watch: Watch, samples: Executed) -> None:
    """A session inside another one: the inner one is told while it lasts, then the outer one again, each once."""
    inner = Watch()
    with _install(inner):
        importlib.import_module("counted")
    assert samples() == ["counted"]
    assert inner.events == ["import counted", "imported counted"]
    importlib.import_module("counted.part")
    assert inner.events == ["import counted", "imported counted"]
    assert watch.events == ["import counted.part", "imported counted.part"]


def test_a_kept_module_is_given_back(watch: Watch, samples: Executed) -> None:
    """A protected module that was taken out of ``sys.modules`` comes back, the same object, not executed again."""
    module = importlib.import_module("counted")
    before = dict(vars(module))
    del sys.modules["counted"]
    assert importlib.import_module("counted") is module
    assert samples() == ["counted"]
    assert watch.events[2:] == ["reimport counted"]
    assert vars(module) == before


def test_lifted_means_as_without_us(watch: Watch, samples: Executed) -> None:
    """While the guard is lifted, a module that was taken out is executed again."""
    module = importlib.import_module("counted")
    del sys.modules["counted"]
    watch.lifted = True
    assert importlib.import_module("counted") is not module
    assert samples() == ["counted", "counted"]


def test_asking_for_a_spec_imports_nothing(watch: Watch, samples: Executed) -> None:
    """``importlib.util.find_spec`` tells whether there is such a module, and nobody is told."""
    spec = importlib.util.find_spec("counted")
    assert spec is not None
    assert importlib.util.find_spec("not_there_at_all") is None
    assert samples() == []
    assert watch.events == []


def _files(error: BaseException) -> list[str]:
    """Where the frames of a traceback are."""
    return [Path(frame.filename).name for frame in traceback.extract_tb(error.__traceback__)]


def test_no_frame_of_a_loader_is_in_the_traceback_of_a_failed_import(watch: Watch) -> None:
    """Python drops those of importlib, and ours with them."""
    with pytest.raises(OSError, match="libhalfway") as caught:
        import halfway  # noqa: F401  # the statement: importlib.import_module drops nothing
    assert _files(caught.value) == [Path(__file__).name, "__init__.py"]


def test_no_frame_of_a_loader_is_in_the_traceback_of_a_refusal(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of ours are frames that pytest hides."""

    def refuse(fullname: str, *, is_nested: bool) -> NoReturn:
        raise OSError(f"{fullname} is refused")

    importlib.import_module("counted")
    del sys.modules["counted"]
    monkeypatch.setattr(watch, "on_reimport", refuse)
    with pytest.raises(OSError, match="counted is refused") as caught:
        import counted  # noqa: F401  # as above
    assert _files(caught.value) == [Path(__file__).name, "finder.py", Path(__file__).name]


def test_a_warning_of_a_module_points_at_who_imports_it(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``stacklevel=2`` is the importing line: ``warnings`` skips the frames of importlib, and ours."""
    (tmp_path / "outdated.py").write_text("import warnings\nwarnings.warn('outdated', UserWarning, stacklevel=2)\n")
    monkeypatch.syspath_prepend(tmp_path)
    watch.protected.add("outdated")
    with pytest.warns(UserWarning, match="outdated") as warned:
        import outdated  # noqa: F401
    del sys.modules["outdated"]
    assert [warning.filename for warning in warned] == [__file__]


def test_a_part_that_is_gone_comes_back_while_its_package_is_in_place(watch: Watch, samples: Executed) -> None:
    """The same object, and nothing is executed."""
    part = importlib.import_module("counted.part")
    del sys.modules["counted.part"]
    assert importlib.import_module("counted.part") is part
    assert watch.events[4:] == ["reimport counted.part"]
    assert samples() == ["counted", "counted.part"]


def test_under_another_package_of_the_name_a_part_is_looked_for_there(watch: Watch) -> None:
    """What a fake package has no way to is missing, though it is kept; what it has a way to comes back."""
    package, part = importlib.import_module("counted"), importlib.import_module("counted.part")
    fake = ModuleType("counted")
    fake.__file__, fake.__path__ = package.__file__, []  # type: ignore[attr-defined]  # a package
    sys.modules["counted"] = fake
    del sys.modules["counted.part"]
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'counted\.part'"):
        importlib.import_module("counted.part")
    fake.__path__ = package.__path__  # type: ignore[attr-defined]
    assert importlib.import_module("counted.part") is part
    assert watch.events[4:] == ["reimport counted.part"]
