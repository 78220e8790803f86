"""Beside the pytest plugin of anyio, which runs coroutines of tests and fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import AFTERWARDS, MODES, Guarded, failures
from ..support.guarded import owners_told as told
from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = needs("anyio")


@pytest.mark.parametrize("mode", MODES)
def test_an_async_test_owns_what_it_displaces(guarded: Guarded, mode: str) -> None:
    """A coroutine that a plugin runs is a test like any other."""
    guarded.suite.tests(
        """
        import sys

        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        async def evicting(anyio_backend, plainpkg):
            del sys.modules["plainpkg"]
            yield

        @pytest.mark.anyio
        async def test_evicts(anyio_backend, plainpkg):
            del sys.modules["plainpkg"]

        @pytest.mark.anyio
        async def test_uses(evicting): pass
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, "-p", "anyio.pytest_plugin")
    assert told(result) == [
        "test_a.py::test_evicts: left plainpkg displaced: put back",
        "test_a.py::test_uses (setup of fixture 'evicting'): left plainpkg displaced: put back",
    ]
    culprits = ["ERROR test_a.py::test_evicts", "ERROR test_a.py::test_uses"]
    assert failures(result) == ([] if mode == "restore" else culprits)
    assert result.parseoutcomes()["passed"] == 3


def test_deferred_imports_in_a_task_group(guarded: Guarded) -> None:
    """Coroutines that use a deferred module at the same time, one of them in a thread, load it once."""
    guarded.suite.tests(
        """
        import anyio
        import anyio.to_thread
        import plainpkg
        import pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture(scope="session")
        def anyio_backend():
            return "asyncio"

        async def test_it():
            answers = []

            async def ask():
                answers.append(plainpkg.answer)

            async def ask_in_thread():
                answers.append(await anyio.to_thread.run_sync(lambda: plainpkg.answer))

            async with anyio.create_task_group() as group:
                group.start_soon(ask_in_thread)
                group.start_soon(ask)
            assert answers == [42, 42]
        """
    )
    guarded.run("error", "-p", "anyio.pytest_plugin", "--heavy-defer").assert_outcomes(passed=1)
    assert guarded.suite.executions() == {"plainpkg": 1}


def test_isolated_coroutines_of_one_loop(suite: Suite) -> None:
    """In a group they share the process, and the loop of a fixture of wider scope."""
    suite.tests(
        """
        import asyncio
        import os

        import pytest

        pytestmark = [pytest.mark.anyio, pytest.mark.heavy_isolated(group="loop")]
        seen = []

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "asyncio"

        @pytest.fixture(scope="module")
        async def loop(anyio_backend):
            yield asyncio.get_running_loop()

        @pytest.mark.parametrize("number", range(2))
        async def test_it(loop, number):
            seen.append((os.getpid(), id(loop)))
            assert loop is asyncio.get_running_loop()
            assert len(set(seen)) == 1
            assert len(seen) == number + 1
        """
    )
    suite.run("-p", "anyio.pytest_plugin").assert_outcomes(passed=2)
