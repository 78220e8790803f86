"""The hooks ``pytest_heavy_isolated_send`` and ``pytest_heavy_isolated_receive``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite

CONFTEST = """
    import os

    import pytest

    PARENT = os.environ.setdefault("RUNS_PYTEST", str(os.getpid()))
    seen = []

    @pytest.fixture
    def note():
        return seen.append

    def pytest_heavy_isolated_send(item):
        assert str(os.getpid()) != PARENT
        return ("notes", list(seen)) if seen else None

    def pytest_heavy_isolated_receive(item, name, value):
        assert str(os.getpid()) == PARENT or "PYTEST_XDIST_WORKER" in os.environ
        print(f"{name} of {item.name}: {value}")

    def pytest_unconfigure():
        assert seen == [] or str(os.getpid()) != PARENT
    """


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_values_come_from_each_process(suite: Suite, method: str) -> None:
    """Once after each test, of a group after each of its tests; a test that dies sends none."""
    suite.write("conftest.py", CONFTEST)
    suite.tests(
        f"""
        import os

        import pytest

        alone = pytest.mark.heavy_isolated(method="{method}")

        @alone
        def test_a(note): note({{"a": (1, b"x")}})

        @alone
        def test_none(): pass

        @alone
        def test_dies(note):
            note("lost")
            os._exit(1)

        @pytest.mark.heavy_isolated(method="{method}", group="one")
        @pytest.mark.parametrize("number", [1, 2])
        def test_group(note, number): note(number)
        """
    )
    result = suite.run("-s")
    result.assert_outcomes(passed=4, failed=1)
    text = result.stdout.str()
    told = [text[begin:].split("\n")[0] for begin in range(len(text)) if text.startswith("notes of ", begin)]
    assert told == [
        "notes of test_a: [{'a': (1, b'x')}]",
        "notes of test_group[1]: [1]",
        "notes of test_group[2]: [1, 2]",
    ]


def test_what_cannot_be_sent_is_an_error(suite: Suite) -> None:
    """Of the test, which has passed: what the plugin does at the end would be wrong without it."""
    suite.write("conftest.py", "def pytest_heavy_isolated_send(item):\n    return ('own', object)\n")
    suite.tests("import pytest\n\n@pytest.mark.heavy_isolated\ndef test_it(): pass\n")
    result = suite.run()
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    begin = (
        "What the plugin keeps as 'own' is lost with the process of this isolated test: only plain values can be sent*"
    )
    result.stdout.fnmatch_lines([begin])
