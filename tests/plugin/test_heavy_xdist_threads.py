"""``heavy_xdist_threads``: how many threads libraries use in each worker of pytest-xdist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.suite import usage_errors

if TYPE_CHECKING:
    from ..support.suite import Suite

TOLD = """
    import os

    import pytest

    SEEN = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS") if name in os.environ}

    @pytest.mark.parametrize("number", range(4))
    def test_it(number):
        assert SEEN == eval(os.environ["EXPECTED"])
    """
EARLIEST = """
    import os

    SEEN = os.environ.get("OMP_NUM_THREADS")
    """


def both(number: int) -> str:
    """What a worker is expected to see."""
    return repr(dict.fromkeys(("OMP_NUM_THREADS", "RAYON_NUM_THREADS"), str(number)))


@pytest.mark.parametrize(
    ("value", "arguments", "expected"),
    [
        ("off", ["-n2"], "{}"),
        ("3", ["-n2"], both(3)),
        ("3", ["-nauto"], both(3)),
        ("3", ["-n2", "--maxprocesses=1"], both(3)),
        ("3", ["--dist=load", "--tx=2*popen"], both(3)),
        ("auto", ["-n1000", "--maxprocesses=2"], None),
        ("auto", ["-n64", "--maxprocesses=1"], None),
        ("3", ["-n0"], "{}"),
        ("3", [], "{}"),
    ],
)
def test_workers_have_the_variables(suite: Suite, value: str, arguments: list[str], expected: str | None) -> None:
    """By any way to start them; a run without workers has none."""
    from pytest_heavyimports.selection.threads import share

    suite.declare("plain", heavy_xdist_threads=value)
    suite.tests(TOLD)
    workers = int(arguments[-1][-1]) if expected is None else 0
    result = suite.run("-p", "xdist", *arguments, EXPECTED=expected or both(share("auto", workers)))
    result.assert_outcomes(passed=4)


def test_a_plugin_that_workers_import_sees_them(suite: Suite) -> None:
    """It is imported before ours can do anything in a worker."""
    suite.declare(heavy_xdist_threads="3")
    suite.write("earliest.py", EARLIEST)
    suite.tests(
        """
        import pytest, earliest

        @pytest.mark.parametrize("number", [1, 2])
        def test_it(number):
            assert earliest.SEEN == "3"
        """
    )
    suite.run("-p", "xdist", "-n2", "-p", "earliest", path=(suite.path,)).assert_outcomes(passed=2)


def test_what_was_set_stays(suite: Suite) -> None:
    """For what reads it."""
    suite.declare(heavy_xdist_threads="3")
    suite.tests(TOLD)
    expected = repr({"OMP_NUM_THREADS": "7", "RAYON_NUM_THREADS": "3"})
    suite.run("-p", "xdist", "-n2", OMP_NUM_THREADS="7", EXPECTED=expected).assert_outcomes(passed=4)


def test_the_environment_is_as_it_was_at_the_end(suite: Suite) -> None:
    """That of the process that starts the workers."""
    suite.declare(heavy_xdist_threads="3")
    suite.write("test_it.py", "def test_it(): pass\n")
    script = suite.write(
        "script.py",
        """
        import os

        import pytest

        before = dict(os.environ)
        assert pytest.main(["-p", "xdist", "-n2", "-p", "pytest_heavyimports.plugin"]) == 0
        changed = {name for name in before | dict(os.environ) if before.get(name) != os.environ.get(name)}
        print("changed:", {name for name in changed if "THREADS" in name})
        """,
    )
    assert suite.run_script(script.name).outlines[-1] == "changed: set()"


@pytest.mark.parametrize("value", ["yes", "0", "-1", "1.5"])
def test_another_value_is_refused(suite: Suite, value: str) -> None:
    """Before anything is collected."""
    suite.declare(heavy_xdist_threads=value)
    fault = f"heavy_xdist_threads: '{value}' is none of auto, off and a number (pytest.ini, [pytest])."
    assert usage_errors(suite.run_inside()) == [fault]
