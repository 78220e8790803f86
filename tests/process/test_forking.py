"""What an import does to whether a process can be forked."""

from __future__ import annotations

from collections.abc import Callable


def test_threads_of_numpy_are_those_of_an_import(python: Callable[..., str]) -> None:
    """They are counted, and computing with numpy adds none."""
    assert (
        python(
            """
        import numpy
        from pytest_heavyimports.process.forking import foreign_threads, threads_of_imports, why_not_fork
        print(foreign_threads() == threads_of_imports(), repr(why_not_fork(threads_of_imports())))
        numpy.ones((800, 800)) @ numpy.ones((800, 800))
        print(repr(why_not_fork(threads_of_imports())))
        """
        )
        == "True ''\n''\n"
    )
