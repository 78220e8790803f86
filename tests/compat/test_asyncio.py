"""Beside pytest-asyncio, which runs coroutines of tests and fixtures in event loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import AFTERWARDS, MODES, Guarded, failures
from ..support.guarded import owners_told as told
from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = needs("pytest_asyncio")
ASYNCIO = ("-p", "pytest_asyncio.plugin", "--asyncio-mode=auto")


@pytest.mark.parametrize("mode", MODES)
def test_owners_are_coroutines(guarded: Guarded, mode: str) -> None:
    """Asynchronous tests, the set-ups of fixtures and their teardowns own what they displace."""
    guarded.suite.tests(
        """
        import sys

        import pytest

        @pytest.fixture
        async def evicting(plainpkg):
            del sys.modules["plainpkg"]
            yield

        @pytest.fixture
        async def evicting_late(plainpkg):
            yield
            del sys.modules["plainpkg"]

        @pytest.fixture(scope="module")
        async def mended(plainpkg):
            module = sys.modules.pop("plainpkg")
            yield
            sys.modules["plainpkg"] = module

        async def test_evicts(plainpkg):
            del sys.modules["plainpkg"]

        async def test_setup(evicting): pass

        async def test_teardown(evicting_late): pass

        async def test_mended(mended):
            assert "plainpkg" not in sys.modules
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, *ASYNCIO)
    assert told(result) == [
        "test_a.py::test_evicts: left plainpkg displaced: put back",
        "test_a.py::test_setup (setup of fixture 'evicting'): left plainpkg displaced: put back",
        "test_a.py::test_teardown (teardown of fixture 'evicting_late'): left plainpkg displaced: put back",
    ]
    culprits = [f"ERROR test_a.py::test_{name}" for name in ("evicts", "setup", "teardown")]
    assert failures(result) == ([] if mode == "restore" else culprits)
    assert result.parseoutcomes()["passed"] == 5


def test_a_refusal_is_raised_in_the_coroutine(guarded: Guarded) -> None:
    """Also in a task, and in a thread that the loop waits for: both run while the test acts."""
    guarded.suite.tests(
        """
        import asyncio
        import importlib
        import sys

        async def test_task(plainpkg):
            async def work():
                importlib.reload(plainpkg)
            await asyncio.gather(work())

        async def test_thread(plainpkg):
            await asyncio.to_thread(importlib.reload, plainpkg)
        """
    )
    result = guarded.run("error", *ASYNCIO)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*ReloadRefused: 'plainpkg'*", "*  reload: *test_it.py::test_task (call)"])


@pytest.mark.parametrize("how", [(), ("--heavy-defer",), ("--heavy-preload",)])
def test_imported_once(guarded: Guarded, how: tuple[str, ...]) -> None:
    """By fixtures of the loops of several scopes, and by coroutines that ask at the same time."""
    guarded.suite.tests(
        """
        import asyncio

        import plainpkg as early
        import pytest

        @pytest.fixture(scope="session")
        async def shared(heavy_module):
            return heavy_module("plainpkg")

        async def test_it(plainpkg, shared):
            assert plainpkg is shared
            assert plainpkg.answer == early.answer == 42

        async def test_at_the_same_time(heavy_module):
            async def ask():
                return await asyncio.to_thread(heavy_module, "plainpkg")
            one, two = await asyncio.gather(ask(), ask())
            assert one is two
        """
    )
    guarded.run("error", *ASYNCIO, *how).assert_outcomes(passed=2)
    assert guarded.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_isolated_coroutine(suite: Suite, method: str) -> None:
    """It gets a loop of its own in its process; those of its file that ran before it did so elsewhere."""
    suite.tests(
        f"""
        import asyncio
        import os

        import pytest

        here = os.getpid()

        @pytest.fixture(scope="module", autouse=True)
        async def shared():
            yield asyncio.get_running_loop()

        @pytest.mark.asyncio(loop_scope="module")
        async def test_before(shared):
            assert shared is asyncio.get_running_loop()

        @pytest.mark.heavy_isolated(method="{method}")
        @pytest.mark.asyncio(loop_scope="module")
        async def test_it(shared):
            await asyncio.sleep(0)
            assert shared is asyncio.get_running_loop()
            assert os.getppid() != os.getpid() == os.getpid()

        @pytest.mark.asyncio(loop_scope="module")
        async def test_after(shared):
            assert shared is asyncio.get_running_loop()
        """
    )
    result = suite.run(
        "-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=module", "-o", "asyncio_mode=auto"
    )
    result.assert_outcomes(passed=3)


def test_stand_ins(guarded: Guarded) -> None:
    """One test's stand-in is there in its coroutine, and the real module in the next one."""
    guarded.suite.tests(
        """
        import pytest

        async def test_fixture(heavy_stub):
            stand_in = heavy_stub("plainpkg")
            import plainpkg
            assert plainpkg is stand_in

        @pytest.mark.heavy_stub("plainpkg")
        async def test_mark():
            import plainpkg
            plainpkg.work(1)
            assert plainpkg.work.called

        async def test_real(plainpkg):
            assert plainpkg.answer == 42
        """
    )
    guarded.run("error", *ASYNCIO).assert_outcomes(passed=3)
