"""A small suite for each other plugin: it uses what the plugin is for, beside a heavy module."""

from __future__ import annotations

from typing import NamedTuple


class PluginSuite(NamedTuple):
    """One test file, and how pytest is started for it."""

    module: str
    """That must be there."""
    args: tuple[str, ...]
    text: str
    settings: str = ""
    """Lines of ``pytest.ini``."""
    more: tuple[tuple[str, str], ...] = ()
    """Other files, with their texts."""


def _plugin(*names: str) -> tuple[str, ...]:
    return tuple(part for name in names for part in ("-p", name))


SUITES = {
    "anyio": PluginSuite(
        "anyio",
        _plugin("anyio.pytest_plugin"),
        """
        import anyio
        import plainpkg
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        async def slept():
            await anyio.sleep(0)
            yield 3

        @pytest.mark.anyio
        async def test_it(slept):
            await anyio.sleep(0)
            assert slept == 3

        @pytest.mark.anyio
        async def test_fails():
            assert await anyio.to_thread.run_sync(lambda: 1) == 2
        """,
    ),
    "beartype": PluginSuite(
        "beartype",
        (),
        """
        import plainpkg
        import pytest
        from beartype import beartype
        from beartype.roar import BeartypeCallHintParamViolation

        import checked

        @beartype
        def half(number: int) -> float:
            return number / 2

        def test_it():
            assert half(4) == 2

        def test_refused():
            with pytest.raises(BeartypeCallHintParamViolation):
                half("4")

        def test_by_the_claw():
            with pytest.raises(BeartypeCallHintParamViolation):
                checked.double("2")

        def test_fails():
            half("4")
        """,
        "pythonpath = .",
        (
            ("conftest.py", "from beartype.claw import beartype_packages\n\nbeartype_packages(['checked'])\n"),
            ("checked/__init__.py", "import plainpkg\n\n\ndef double(number: int) -> int:\n    return number * 2\n"),
        ),
    ),
    "freezegun": PluginSuite(
        "freezegun",
        (),
        """
        import datetime
        import sys
        import time

        import plainpkg
        import pytest
        from freezegun import freeze_time

        @freeze_time("2012-01-14")
        def test_decorated():
            assert datetime.date.today() == datetime.date(2012, 1, 14)

        def test_moved():
            with freeze_time("2012-01-14 00:00:00") as frozen:
                frozen.tick(60)
                assert datetime.datetime.now().minute == 1

        @pytest.fixture
        def frozen():
            with freeze_time("2001-02-03"):
                yield

        def test_by_a_fixture(frozen):
            assert time.gmtime().tm_year == 2001

        def test_over():
            assert time.gmtime().tm_year > 2020

        @freeze_time("2012-01-14")
        def test_fails():
            assert datetime.date.today().year == 2013
        """,
    ),
    "hypothesis": PluginSuite(
        "hypothesis",
        _plugin("_hypothesis_pytestplugin"),
        """
        import plainpkg
        from hypothesis import given, settings
        from hypothesis import strategies as st

        @given(st.integers(), st.text())
        @settings(max_examples=20, database=None)
        def test_it(number, text):
            assert isinstance(number, int) and isinstance(text, str)

        @given(st.integers())
        @settings(database=None)
        def test_fails(number):
            assert number < 1000
        """,
    ),
    "inline-snapshot": PluginSuite(
        "inline_snapshot",
        (*_plugin("inline_snapshot.pytest_plugin"), "--inline-snapshot=report"),
        """
        import plainpkg
        from inline_snapshot import snapshot

        def test_it():
            assert [1, 2] == snapshot([1, 2])

        def test_fails():
            assert 5 == snapshot(4)

        def test_missing():
            assert 5 == snapshot()
        """,
    ),
    "jaxtyping": PluginSuite(
        "jaxtyping",
        (*_plugin("jaxtyping._pytest_plugin"), "--jaxtyping-packages=checked,beartype.beartype"),
        """
        import checked
        import plainpkg
        import pytest

        def test_it():
            assert checked.double(2) == 4

        def test_refused():
            with pytest.raises(Exception, match="hint"):
                checked.double("2")

        def test_fails():
            checked.double("2")
        """,
        "pythonpath = .",
        (("checked.py", "def double(number: int) -> int:\n    return number * 2\n"),),
    ),
    "pytest-asyncio": PluginSuite(
        "pytest_asyncio",
        _plugin("pytest_asyncio.plugin"),
        """
        import asyncio

        import plainpkg
        import pytest
        import pytest_asyncio

        @pytest_asyncio.fixture
        async def slept():
            await asyncio.sleep(0)
            yield 3

        @pytest.mark.asyncio
        async def test_it(slept):
            assert slept == 3

        @pytest.mark.asyncio(loop_scope="module")
        async def test_fails():
            assert await asyncio.sleep(0, 1) == 2
        """,
        "asyncio_default_fixture_loop_scope = function",
    ),
    "pytest-benchmark": PluginSuite(
        "pytest_benchmark",
        (*_plugin("pytest_benchmark.plugin"), "--benchmark-max-time=0.01"),
        """
        import plainpkg

        def test_it(benchmark):
            assert benchmark(int, "3") == 3

        def test_rounds(benchmark):
            benchmark.pedantic(int, rounds=3)

        def test_fails(benchmark):
            benchmark(int, "x")
        """,
    ),
    "pytest-cov": PluginSuite(
        "pytest_cov",
        (*_plugin("pytest_cov.plugin"), "--cov=app", "--cov-report=term-missing"),
        """
        import app
        import plainpkg

        def test_it():
            assert app.half(4) == 2

        def test_fails():
            assert app.half(4) == 3
        """,
        "pythonpath = .",
        (("app.py", "def half(number):\n    return number / 2\n\n\ndef unused():\n    return 1\n"),),
    ),
    "pytest-django": PluginSuite(
        "pytest_django",
        _plugin("pytest_django.plugin"),
        """
        import plainpkg
        import pytest
        from django.db import connection

        @pytest.mark.django_db
        def test_database():
            with connection.cursor() as cursor:
                cursor.execute("select 1")
                assert cursor.fetchone() == (1,)

        def test_settings(settings):
            settings.OWN = 3
            assert settings.OWN == 3

        def test_no_database():
            connection.cursor()
        """,
        "DJANGO_SETTINGS_MODULE = of_django\npythonpath = .",
        (
            (
                "of_django.py",
                "SECRET_KEY = 'x'\nUSE_TZ = True\n"
                "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}\n",
            ),
        ),
    ),
    "pytest-env": PluginSuite(
        "pytest_env",
        _plugin("pytest_env.plugin"),
        """
        import os

        import plainpkg

        SEEN = os.environ.get("OF_THE_INI")

        def test_it():
            assert SEEN == os.environ["OF_THE_INI"] == "set there"

        def test_default():
            assert os.environ["OTHER"] == "default"

        def test_fails():
            assert SEEN == "something else"
        """,
        "env =\n    OF_THE_INI=set there\n    D:OTHER=default",
    ),
    "pytest-html": PluginSuite(
        "pytest_html",
        (*_plugin("pytest_metadata.plugin", "pytest_html.plugin", "pytest_html.fixtures"), "--html=page.html"),
        """
        import plainpkg
        from pytest_html import extras as made

        def test_it(extras):
            extras.append(made.text("text"))

        def test_fails(): assert 0
        """,
    ),
    "pytest-httpserver": PluginSuite(
        "pytest_httpserver",
        _plugin("pytest_httpserver.pytest_plugin"),
        """
        import urllib.request

        import plainpkg

        def ask(server):
            with urllib.request.urlopen(server.url_for("/it"), timeout=20) as answer:
                return answer.read()

        def test_it(httpserver):
            httpserver.expect_request("/it").respond_with_data("answer")
            assert ask(httpserver) == b"answer"

        def test_anew(httpserver):
            httpserver.expect_request("/it").respond_with_json({"a": 1})
            assert b'"a": 1' in ask(httpserver)
            httpserver.check_assertions()

        def test_fails(httpserver):
            ask(httpserver)
        """,
    ),
    "pytest-json-report": PluginSuite(
        "pytest_jsonreport",
        (*_plugin("pytest_metadata.plugin", "pytest_jsonreport.plugin"), "--json-report"),
        """
        import plainpkg

        def test_it(json_metadata):
            json_metadata["own"] = 1

        def test_fails(): assert 0
        """,
    ),
    "pytest-mock": PluginSuite(
        "pytest_mock",
        _plugin("pytest_mock"),
        """
        import os

        import plainpkg

        def test_it(mocker):
            mocker.patch("os.getcwd", return_value="/nowhere")
            assert os.getcwd() == "/nowhere"

        def test_over():
            assert os.getcwd() != "/nowhere"

        def test_spy(mocker):
            spy = mocker.spy(os.path, "join")
            os.path.join("a", "b")
            spy.assert_called_once_with("a", "b")

        def test_fails(mocker):
            mocker.stub().assert_called_once()
        """,
    ),
    "pytest-order": PluginSuite(
        "pytest_order",
        _plugin("pytest_order.plugin"),
        """
        import plainpkg
        import pytest

        @pytest.mark.order(3)
        def test_a(): assert 0

        @pytest.mark.order(1)
        def test_b(): pass

        @pytest.mark.order(before="test_b")
        def test_c(): pass
        """,
    ),
    "pytest-randomly": PluginSuite(
        "pytest_randomly",
        (*_plugin("pytest_randomly"), "--randomly-seed=7"),
        """
        import random

        import plainpkg
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(number):
            assert random.random() == random.Random(7).random()

        def test_fails(): assert 0
        """,
    ),
    "pytest-repeat": PluginSuite(
        "pytest_repeat",
        (*_plugin("pytest_repeat"), "--count=2"),
        """
        import plainpkg
        import pytest

        def test_it(): pass

        @pytest.mark.repeat(3)
        def test_marked(request): pass

        def test_fails(): assert 0
        """,
    ),
    "pytest-rerunfailures": PluginSuite(
        "pytest_rerunfailures",
        (*_plugin("pytest_rerunfailures"), "--reruns=2"),
        """
        import plainpkg
        import pytest

        attempts = []

        def test_third():
            attempts.append(1)
            assert len(attempts) == 3

        @pytest.mark.flaky(reruns=1)
        def test_fails(): assert 0

        def test_once(): pass
        """,
    ),
    "pytest-run-parallel": PluginSuite(
        "pytest_run_parallel",
        (*_plugin("pytest_run_parallel.plugin"), "--parallel-threads=2"),
        """
        import threading

        import plainpkg
        import pytest

        def test_it():
            assert threading.current_thread() is not threading.main_thread()

        def test_fails(num_parallel_threads):
            assert num_parallel_threads == 3

        @pytest.mark.thread_unsafe
        def test_alone(num_parallel_threads):
            assert num_parallel_threads == 1
        """,
    ),
    "pytest-socket": PluginSuite(
        "pytest_socket",
        (*_plugin("pytest_socket"), "--disable-socket"),
        """
        import socket

        import plainpkg
        import pytest
        from pytest_socket import SocketBlockedError

        def test_refused():
            with pytest.raises(SocketBlockedError):
                socket.socket()

        def test_allowed(socket_enabled):
            socket.socket().close()

        def test_fails():
            socket.socket()
        """,
    ),
    "pytest-split": PluginSuite(
        "pytest_split",
        (*_plugin("pytest_split.plugin"), "--splits=2", "--group=1", "--durations-path=absent.json"),
        """
        import plainpkg
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(number):
            assert number != 2
        """,
    ),
    "pytest-subprocess": PluginSuite(
        "pytest_subprocess",
        _plugin("pytest_subprocess.fixtures"),
        """
        import subprocess

        import plainpkg

        def test_it(fp):
            fp.register(["git", "branch"], stdout="main")
            assert subprocess.check_output(["git", "branch"]).strip() == b"main"

        def test_real(fp):
            fp.allow_unregistered(True)
            assert subprocess.check_output(["echo", "it"]).strip() == b"it"

        def test_fails(fp):
            subprocess.run(["unknown"])
        """,
    ),
    "pytest-sugar": PluginSuite(
        "pytest_sugar",
        _plugin("pytest_sugar"),
        """
        import plainpkg

        def test_it(): pass

        def test_fails(): assert 0
        """,
    ),
    "pytest-testmon": PluginSuite(
        "testmon",
        (*_plugin("testmon.pytest_testmon"), "--testmon"),
        """
        import plainpkg

        def test_it(): pass

        def test_fails(): assert 0
        """,
    ),
    "pytest-timeout": PluginSuite(
        "pytest_timeout",
        (*_plugin("pytest_timeout"), "--timeout=20"),
        """
        import time

        import plainpkg
        import pytest

        def test_it(): pass

        @pytest.mark.timeout(0.3)
        def test_hangs(): time.sleep(30)
        """,
    ),
    "pytest-xdist": PluginSuite(
        "xdist",
        (*_plugin("xdist.plugin"), "-n", "2"),
        """
        import os

        import plainpkg
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(number, worker_id):
            assert worker_id == os.environ["PYTEST_XDIST_WORKER"]

        def test_fails(): assert 0
        """,
    ),
    "syrupy": PluginSuite(
        "syrupy",
        _plugin("syrupy"),
        """
        import plainpkg

        def test_it(snapshot):
            assert [1] == snapshot

        def test_fails(snapshot):
            assert [2] == snapshot
        """,
        more=(
            ("__snapshots__/test_it.ambr", "# serializer version: 1\n# name: test_it\n  list([\n    1,\n  ])\n# ---\n"),
        ),
    ),
    "time-machine": PluginSuite(
        "time_machine",
        _plugin("time_machine"),
        """
        import datetime
        import time

        import plainpkg
        import time_machine as machine

        @machine.travel("2012-01-14", tick=False)
        def test_decorated():
            assert time.gmtime().tm_year == 2012

        def test_by_a_fixture(time_machine):
            time_machine.move_to(datetime.datetime(2001, 2, 3))
            assert datetime.date.today().year == 2001

        def test_over():
            assert time.gmtime().tm_year > 2020

        @machine.travel("2012-01-14")
        def test_fails():
            assert time.gmtime().tm_year == 2013
        """,
    ),
    "typeguard": PluginSuite(
        "typeguard",
        (*_plugin("typeguard._pytest_plugin"), "--typeguard-packages=checked"),
        """
        import checked
        import plainpkg
        import pytest
        from typeguard import TypeCheckError

        def test_it():
            assert checked.double(2) == 4

        def test_refused():
            with pytest.raises(TypeCheckError):
                checked.double("2")

        def test_fails():
            checked.double("2")
        """,
        "pythonpath = .",
        (("checked.py", "def double(number: int) -> int:\n    return number * 2\n"),),
    ),
}
