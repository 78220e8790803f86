"""A session offers places to attach to, and knows nobody who does."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports.config.declarations import parse_line
from pytest_heavyimports.config.options import State, read_settings, state_key
from pytest_heavyimports.session import HeavySession, SessionHooks, begun_session, configure, session_of

from ..support.configs import Config


class Manager:
    """As much of pytest's plugin manager as a session needs."""

    def __init__(self) -> None:
        self.plugins: list[str] = []

    def register(self, _: object, name: str) -> None:
        self.plugins.append(name)

    def list_name_plugin(self) -> list[tuple[str, object]]:
        return []


@pytest.fixture
def config(tmp_path: Path) -> Any:
    """One of a run that attaches what the test says."""
    config: Any = Config(tmp_path)
    config.pluginmanager = Manager()
    config.attached = []
    config.stash[state_key] = State(*read_settings(config, Namespace()), config.attached.append)
    return config


def test_features_attach_when_it_begins(config: Any) -> None:
    """Once, and before its own hooks are registered."""
    assert begun_session(config) is None
    session = session_of(config)
    assert session is session_of(config) is begun_session(config)
    assert config.attached == [session]
    assert config.pluginmanager.plugins == ["heavyimports-session"]


def test_what_is_declared_is_told_to_the_last_first(config: Any) -> None:
    """So that the first to attach sees what the others have made of it; packages are looked up anew."""
    session, told = session_of(config), []
    session.at_declaration += [lambda: told.append(1), lambda: told.append(2)]
    assert session.packages == {}
    session.declare({"json": parse_line("json")})
    assert told == [2, 1]
    assert session.heavy_names() == {"json"}
    session.also_heavy.append(lambda: ["torch"])
    assert session.heavy_names() == {"json", "torch"}


def test_around_an_import(config: Any) -> None:
    """What was attached first is entered first, and told the name; an error comes through."""
    session, told = session_of(config), []

    def attached(number: int) -> Any:
        @contextmanager
        def around(fullname: str) -> Iterator[None]:
            told.append(f"{number} begins {fullname}")
            try:
                yield
            finally:
                told.append(f"{number} ends")

        return around

    session.around_import += [attached(1), attached(2)]
    with pytest.raises(ZeroDivisionError), session.around("torch"):
        1 / 0  # noqa: B018
    assert told == ["1 begins torch", "2 begins torch", "2 ends", "1 ends"]


def test_before_a_module_is_handed_out(config: Any) -> None:
    """Who has attached may refuse; and what is handed out may be another object."""
    session = session_of(config)
    session.executed = lambda module: ModuleType(f"executed {module.__name__}")
    assert session.registry.get("json").__name__ == "executed json"

    def refuse(fullname: str) -> None:
        raise PermissionError(fullname)

    session.before_handing_out.append(refuse)
    with pytest.raises(PermissionError, match="json"):
        session.registry.get("json")


def test_faults_of_features_are_told_with_the_others(config: Any) -> None:
    """All at once, and then nothing is declared, nor anything registered."""
    session, told = session_of(config), []
    session.at_check.append(lambda declared: [f"odd: {', '.join(declared)}"])
    session.at_configure.append(lambda: told.append("configured"))
    with pytest.raises(pytest.UsageError) as refused:
        configure(config, [("json", "pytest.ini"), ("a b", "pytest.ini")], ["first"])
    assert [text.partition(":")[0] for text in refused.value.args] == ["first", "heavy_modules", "odd"]
    assert (told, session.declared) == ([], {})
    session.at_check.clear()
    assert configure(config, [("json", "pytest.ini")], []) is session
    assert (told, list(session.declared)) == (["configured"], ["json"])


def test_the_end_is_told(config: Any) -> None:
    """To each, when the session of pytest has finished."""
    session: HeavySession = session_of(config)
    told: list[int] = []
    session.at_finish += [lambda: told.append(1), lambda: told.append(2)]
    SessionHooks(session).pytest_sessionfinish()
    assert told == [1, 2]
