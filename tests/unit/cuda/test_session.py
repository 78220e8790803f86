"""Who may run where, and why not: decided from facts."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from pytest_heavyimports.config.needs import Needs
from pytest_heavyimports.cuda.build import Build
from pytest_heavyimports.cuda.dealing import Worker
from pytest_heavyimports.cuda.devices import Device, Facts
from pytest_heavyimports.cuda.session import CudaSession

GIB = 2**30
BUILD = Build("2.13.0", "13.0")
T4 = Device(0, "Tesla T4", "GPU-t", "", (7, 5), 16 * GIB, 15 * GIB)
A100 = Device(1, "NVIDIA A100", "GPU-a", "", (8, 0), 40 * GIB, int(12.1 * GIB))
PARTS = [Device(0, "NVIDIA A100", "GPU-a", f"MIG-{number}", (8, 0), 5 * GIB, 5 * GIB) for number in range(3)]
NO_DRIVER = Facts(fault="there is no NVIDIA driver (libnvidia-ml.so.1 is missing)")


def never(*_: object, **__: object) -> NoReturn:
    raise AssertionError("asked")


def session(
    *devices: Device,
    visible: str | None = None,
    build: Build | None = BUILD,
    facts: Facts | None = None,
    ask: Any = never,
    **environ: str,
) -> CudaSession:
    """A session on a machine with these devices."""
    environ |= {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    known = facts or Facts(devices, driver=(13, 0))
    return CudaSession(environ, read=lambda: known, build=lambda: build, ask=ask)


def unmet(cuda: CudaSession, *needs: Any, any_will_do: bool = False) -> str:
    return cuda.unmet(Needs(*needs), any_will_do=any_will_do)


@pytest.mark.parametrize(
    ("cuda", "needs"),
    [
        (session(T4), ()),
        (session(T4, A100), (2,)),
        (session(T4, A100), (1, 15 * GIB, (7, 5))),
        (session(T4, A100, visible="1"), (1, 0, (8, 0))),
        (session(*PARTS), (1, 5 * GIB)),
        (session(T4, build=None), ()),  # without torch the driver alone decides
        (session(Device(0)), (1, 99 * GIB, (9, 0))),  # what can't be told is no reason
        (session(T4, build=Build("2.13.0", "13.2")), ()),  # within a major version all drivers will do
    ],
)
def test_met(cuda: CudaSession, needs: tuple[Any, ...]) -> None:
    """The test runs."""
    assert unmet(cuda, *needs) == ""


@pytest.mark.parametrize(
    ("cuda", "needs", "reason"),
    [
        (session(T4, build=Build("2.13.0+cpu")), (), "no CUDA device: torch 2.13.0+cpu is built without CUDA"),
        (session(facts=NO_DRIVER, build=None), (), f"no CUDA device: {NO_DRIVER.fault}"),
        (session(T4, visible=""), (), "no CUDA device: CUDA_VISIBLE_DEVICES is ''"),
        (session(T4, visible="-1"), (), "no CUDA device: CUDA_VISIBLE_DEVICES is '-1'"),
        (
            session(T4, A100, visible="5"),
            (),
            "no CUDA device: CUDA_VISIBLE_DEVICES is '5', and none of the 2 devices here is that",
        ),
        (
            session(T4, build=Build("2.13.0", "14.1")),
            (),
            "no CUDA device: the driver is for CUDA 13.0 at most, and torch 2.13.0 is built for 14.1",
        ),
        (session(T4), (2,), "needs 2 CUDA devices, and there is 1"),
        (session(T4, A100), (3,), "needs 3 CUDA devices, and there are 2"),
        (
            session(T4, A100, visible="0"),
            (2,),
            "needs 2 CUDA devices, and there is 1 (CUDA_VISIBLE_DEVICES is '0')",
        ),
        (session(*PARTS), (2,), "needs 2 CUDA devices, and CUDA shows a process one MIG instance, of 3 here"),
        (
            session(T4),
            (1, 0, (8, 0)),
            "needs a CUDA device of capability 8.0 or newer: cuda:0 (Tesla T4) has 7.5",
        ),
        (
            session(T4, A100),
            (2, 0, (8, 0)),
            "needs 2 CUDA devices of capability 8.0 or newer: cuda:0 (Tesla T4) has 7.5, cuda:1 (NVIDIA A100) has 8.0",
        ),
        (
            session(A100),
            (1, 20 * GIB),
            "needs a CUDA device with 20 GiB of free memory: cuda:0 (NVIDIA A100) has 12.1 GiB",
        ),
    ],
)
def test_reasons(cuda: CudaSession, needs: tuple[Any, ...], reason: str) -> None:
    """The whole text of each."""
    assert unmet(cuda, *needs) == reason


def test_a_test_that_asks_which_device_may_be_given_any() -> None:
    """Another one gets what CUDA counts first, whether it will do or not."""
    cuda, needs = session(T4, A100), (1, 0, (8, 0))
    assert unmet(cuda, *needs) == "needs a CUDA device of capability 8.0 or newer: cuda:0 (Tesla T4) has 7.5"
    assert unmet(cuda, *needs, any_will_do=True) == ""
    assert cuda.number_for(Needs(*needs)) == 1
    assert cuda.number_for(Needs()) == 0
    assert unmet(cuda, 1, 13 * GIB, (8, 0), any_will_do=True) == (
        "needs a CUDA device with 13 GiB of free memory: cuda:1 (NVIDIA A100) has 12.1 GiB"
    )


def test_facts_are_asked_for_once_and_late() -> None:
    """When a test needs them, and not where there is no need."""
    asked = []

    def read() -> Facts:
        asked.append(1)
        return Facts((T4,))

    cuda = CudaSession({}, read=read, build=lambda: BUILD)
    assert not asked
    for _ in range(3):
        assert unmet(cuda) == ""
    assert asked == [1]
    assert unmet(session(facts=Facts(fault="x"), visible="", ask=never)) != ""
    CudaSession({}, read=never, build=lambda: Build("2.13.0+cpu")).unmet(Needs(), any_will_do=True)


def test_torch_is_asked_where_the_library_cant_tell() -> None:
    """By a process of its own; without torch there is nobody to ask."""
    seen = Facts((T4._replace(gpu_uuid=""),))
    told: list[Any] = []

    def ask(build: Build, *, otherwise: str) -> Facts:
        told.append((build, otherwise))
        return seen

    cuda = session(facts=NO_DRIVER, build=Build("2.13.0", None, "6.4"), ask=ask)
    assert unmet(cuda) == ""
    assert unmet(cuda, 2) == "needs 2 CUDA devices, and there is 1"
    assert told == [(Build("2.13.0", None, "6.4"), NO_DRIVER.fault)]


def worker(number: int, total: int) -> Worker:
    return Worker(f"gw{number}", number, total, "f0")


@pytest.mark.parametrize(
    ("visible", "number", "total", "dealt"),
    [
        (None, 0, 2, "0"),
        (None, 1, 2, "1"),
        (None, 2, 4, "0"),
        (None, 0, 1, "0,1"),
        ("1,0", 0, 2, "1"),
        ("GPU-a,GPU-t", 1, 2, "GPU-t"),
        ("GPU-a", 1, 2, "GPU-a"),
    ],
)
def test_dealing(visible: str | None, number: int, total: int, dealt: str) -> None:
    """What the user lets the run use is dealt, in his words."""
    same = A100._replace(name="Tesla T4")
    assert session(T4, same, visible=visible).deal(worker(number, total)) == {
        "CUDA_VISIBLE_DEVICES": dealt,
        "PYTEST_HEAVYIMPORTS_DEALT": "f0",
    }


def test_instances_are_dealt_too() -> None:
    """Each worker has one, as CUDA would show it no more."""
    assert session(*PARTS).deal(worker(4, 5))["CUDA_VISIBLE_DEVICES"] == "MIG-1"


def test_devices_of_different_kinds_are_counted_as_the_driver_does() -> None:
    """Without the variable CUDA puts the fastest first, and nobody can tell which that is."""
    assert session(T4, A100).deal(worker(0, 2))["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert session(T4, A100).order() == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert session(T4, A100, CUDA_DEVICE_ORDER="FASTEST_FIRST").order() == {}
    assert session(T4).order() == {}


@pytest.mark.parametrize("cuda", [session(facts=NO_DRIVER), session(T4, visible="")])
def test_nothing_is_dealt_where_there_is_nothing(cuda: CudaSession) -> None:
    """The environment stays as it is."""
    assert cuda.deal(worker(0, 2)) == {}


def test_the_reason_tells_of_the_dealing() -> None:
    """A worker sees its share alone."""
    cuda = session(T4, A100)
    cuda.deal(worker(1, 2))
    assert unmet(cuda, 2) == "needs 2 CUDA devices, and worker gw1 of pytest-xdist was dealt 1 of 2"
    assert unmet(cuda, 1, 0, (9, 0)) == ("needs a CUDA device of capability 9.0 or newer: cuda:0 (NVIDIA A100) has 8.0")
