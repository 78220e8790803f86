"""What our marks may say. Loaded where a test carries one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from ..facts.names import is_dotted
from .needs import read_needs
from .options import CUDA_MARK, GUARD_MARK, HEAVY_MARK, ISOLATED_MARK, STUB_MARK, stub_fault


def check_marks(marked: Iterable[tuple[pytest.Item, pytest.Mark]]) -> None:
    """
    Look at our marks, wherever they were written.

    Raises:
        pytest.UsageError: With a line for each test and each of its marks that says what it can't.
    """
    faults = dict.fromkeys(
        f"{item.nodeid}: the mark {mark.name} takes {fault}."
        for item, mark in marked
        for fault in _FAULTS[mark.name](mark)
    )
    if faults:
        raise pytest.UsageError(*faults)


def _faults_of_guard(mark: pytest.Mark) -> Iterator[str]:
    if mark.args != ("off",) or mark.kwargs:
        said = ", ".join(map(repr, mark.args)) or "nothing"
        yield f"'off' alone, not {said}. Write it as @pytest.mark.{GUARD_MARK}(\"off\")"


def _faults_of_heavy(mark: pytest.Mark) -> Iterator[str]:
    for name in mark.args:
        if not isinstance(name, str) or not is_dotted(name):
            yield f'names of modules, not {name!r}. Write it as @pytest.mark.{HEAVY_MARK}("torch")'


def _faults_of_stub(mark: pytest.Mark) -> Iterator[str]:
    if mark.kwargs or not mark.args or any(map(stub_fault, mark.args)):
        yield f'names of modules. Write it as @pytest.mark.{STUB_MARK}("torch")'


def _faults_of_cuda(mark: pytest.Mark) -> Iterator[str]:
    try:
        read_needs(mark.args, mark.kwargs)
    except ValueError as fault:
        yield f'{fault}. Write it as @pytest.mark.{CUDA_MARK}(devices=2, memory="4GiB", capability=(8, 0))'


def _faults_of_isolated(mark: pytest.Mark) -> Iterator[str]:
    if mark.args or not mark.kwargs.keys() <= {"method", "group"}:
        yield f"method= and group= alone. Write it as @pytest.mark.{ISOLATED_MARK}"
    if mark.kwargs.get("method", "fork") not in ("fork", "spawn"):
        yield f"'fork' or 'spawn' as its method, not {mark.kwargs['method']!r}"
    if not isinstance(mark.kwargs.get("group", ""), str):
        yield f"a name as its group, not {mark.kwargs['group']!r}"


_FAULTS = {
    CUDA_MARK: _faults_of_cuda,
    GUARD_MARK: _faults_of_guard,
    HEAVY_MARK: _faults_of_heavy,
    ISOLATED_MARK: _faults_of_isolated,
    STUB_MARK: _faults_of_stub,
}
