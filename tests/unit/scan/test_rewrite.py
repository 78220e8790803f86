"""Imports moved out of functions."""

from __future__ import annotations

import ast
import textwrap

import pytest

from pytest_heavyimports.facts.statements import Function
from pytest_heavyimports.scan.rewrite import Placing, hoist, import_numbers, to_parameters

LOCAL = frozenset({"app"})


def _text(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def _in_functions(text: str) -> list[int]:
    tree = ast.parse(text)
    inside = {id(node) for each in ast.walk(tree) if isinstance(each, Function) for node in ast.walk(each)}
    return [number for node, number in import_numbers(tree).items() if id(node) in inside]


def check_hoisted(before: str, after: str, *, barrier: int = 0) -> None:
    """All imports in functions go to the top; done again, nothing changes."""
    text = _text(before)
    placing = Placing(LOCAL, barrier)
    hoisted = hoist(text.encode(), _in_functions(text), placing).decode()
    assert hoisted == _text(after)
    assert hoist(hoisted.encode(), _in_functions(hoisted), placing).decode() == hoisted


def test_an_import_goes_to_its_block() -> None:
    """In isort's order: standard library, others, one's own, relative; plain imports first; blank lines stay."""
    check_hoisted(
        '''
        """Tests."""

        from __future__ import annotations

        import json

        import pytest

        from app import schemas

        from .helpers import helper


        def test_it():
            import torch
            import os
            from app.worker import run
            from . import other

            assert run(torch, json, other)
        ''',
        '''
        """Tests."""

        from __future__ import annotations

        import json
        import os

        import pytest
        import torch

        from app import schemas
        from app.worker import run

        from . import other
        from .helpers import helper


        def test_it():
            assert run(torch, json, other)
        ''',
    )


def test_a_block_that_is_not_there_is_made() -> None:
    """Between those that are, with blank lines around it."""
    check_hoisted(
        """
        import json

        from app import schemas


        def test_it():
            import torch
            assert torch
        """,
        """
        import json

        import torch

        from app import schemas


        def test_it():
            assert torch
        """,
    )


@pytest.mark.parametrize("head", ["", '"""Doc."""\n\n', "# A licence.\n\n", "from __future__ import annotations\n\n"])
def test_a_file_without_imports_gets_the_first(head: str) -> None:
    """After its docstring, its first comments and what is from __future__."""
    check_hoisted(
        f"{head}def test_it():\n    import torch\n    assert torch\n",
        f"{head}import torch\n\n\ndef test_it():\n    assert torch\n",
    )


def test_the_same_import_stands_there_once() -> None:
    """Whether it was there before or comes from two functions."""
    check_hoisted(
        """
        import torch


        def test_one():
            import torch
            from app.worker import run
            assert torch, run


        def test_two():
            from app.worker import run
            assert run
        """,
        """
        import torch

        from app.worker import run


        def test_one():
            assert torch, run


        def test_two():
            assert run
        """,
    )


def test_names_are_added_to_a_plain_import_of_the_same_module() -> None:
    """In its order where it is sorted; one with brackets or a comment is left as it is."""
    check_hoisted(
        """
        from app.worker import B, run
        from app.other import z, y
        from app.third import (
            a,
        )


        def test_it():
            from app.worker import A as C, cancel
            from app.other import x
            from app.third import b
            assert (A, cancel, x, b)
        """,
        """
        from app.worker import A as C, B, cancel, run
        from app.other import z, y, x
        from app.third import (
            a,
        )
        from app.third import b


        def test_it():
            assert (A, cancel, x, b)
        """,
    )


def test_comments_go_along() -> None:
    """Those above the import and behind it; what is about the next statement stays."""
    check_hoisted(
        """
        def test_it():
            # the C library first
            import torch  # takes long

            # now the test
            assert torch
        """,
        """
        # the C library first
        import torch  # takes long


        def test_it():
            # now the test
            assert torch
        """,
    )


def test_blank_lines_are_neither_lost_nor_doubled() -> None:
    """Where the import stood in the middle of a function, with a docstring, and at its end."""
    check_hoisted(
        '''
        import torch


        def test_it():
            """Doc."""
            import torch

            x = 1

            import torch
            y = torch.ones(x)
            import torch
        ''',
        '''
        import torch


        def test_it():
            """Doc."""

            x = 1

            y = torch.ones(x)
        ''',
    )


def test_what_must_come_first_does() -> None:
    """An import goes after the statements at the top that it depends on."""
    check_hoisted(
        """
        import os
        import pytest

        os.environ["X"] = "1"; pytest.importorskip("torch")

        import json


        def test_it():
            import torch
            assert torch
        """,
        """
        import os
        import pytest

        os.environ["X"] = "1"; pytest.importorskip("torch")

        import json

        import torch


        def test_it():
            assert torch
        """,
        barrier=4,
    )


def test_line_ends_tabs_and_encoding_stay() -> None:
    """As they were in the file."""
    before = "# coding: latin-1\r\nNAME = 'é'\r\n\r\ndef test_it():\r\n\timport torch\r\n\tassert torch\r\n".encode(
        "latin-1"
    )
    after = hoist(before, [0], Placing())
    assert after == (
        "# coding: latin-1\r\nimport torch\r\n\r\nNAME = 'é'\r\n\r\ndef test_it():\r\n\tassert torch\r\n".encode(
            "latin-1"
        )
    )


def test_imports_become_parameters() -> None:
    """At the end of those that are there; the fixture's name takes the place of the import's."""
    text = _text(
        """
        def test_one():
            import torch
            assert torch.ones(1).torch, f(torch=torch)


        def test_two(
            self,
            x,
        ):
            from app.worker import _run  # noqa
            import torch

            _run(x, _run=_run)._run
        """
    )
    after = to_parameters(
        text.encode(), {0: [("torch", "torch")], 1: [("_run", "run")], 2: [("torch", "torch")]}
    ).decode()
    assert after == _text(
        """
        def test_one(torch):
            assert torch.ones(1).torch, f(torch=torch)


        def test_two(
            self,
            x,
            run,
            torch,
        ):
            # noqa
            run(x, _run=run)._run
        """
    )
