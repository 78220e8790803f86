"""What code written for torch does, done with a stand-in."""

from __future__ import annotations

import abc
import copy
import dataclasses
import functools
import importlib
import importlib.util
import inspect
import pickle
import sys
import types
import typing
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any
from unittest.mock import call, patch

import pytest

from pytest_heavyimports.errors import StandInRefused
from pytest_heavyimports.imports.install import put_first
from pytest_heavyimports.stubs.module import StandIn, StandInFinder
from pytest_heavyimports.stubs.surface import RealNames

SOURCE = "--heavy-stub=torch"
KNOWN = {
    "torch": {
        "module": "cuda nn",
        "class": "Tensor dtype",
        "function": "load no_grad tensor",
        "value": "float32 pi number",
    },
    "torch.cuda": {"RuntimeError": "OutOfMemoryError", "function": "is_available", "open": ""},
    "torch.nn": {"class": "Linear Module", "module": "functional"},
}
SIGNATURES = {
    "torch": {"(f, map_location=..., *, mmap=...)": "load"},
    "torch.nn": {"(in_features, out_features, bias=...)": "Linear"},
}


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """A stand-in for torch that can be imported."""
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torch"}
    for name in before:
        del sys.modules[name]
    made = StandIn("torch", SOURCE)
    with put_first(StandInFinder(made)):
        yield made
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def torch(stand_in: StandIn) -> Any:
    """The module that the stand-in gives."""
    return importlib.import_module("torch")


def _derived(base: Any) -> type:
    class Net(base):  # type: ignore[misc]  # a base that is known at run time
        """A class of the user's."""

        def __init__(self, width: int = 2) -> None:
            super().__init__()
            self.width = width

        def forward(self, x: int) -> int:
            """Run."""
            return self.width + x

        def train(self, mode: bool = True) -> Any:
            """Ask the base."""
            return super().train(mode)  # type: ignore[misc]  # whatever there is

        @property
        def broken(self) -> Any:
            """Fail."""
            return self.width.missing  # type: ignore[attr-defined]  # on purpose

    Net.__qualname__ = "Net"
    globals()["Net"] = Net  # for pickle
    return Net


def _refused(ask: Callable[[], object]) -> StandInRefused:
    with pytest.raises(StandInRefused) as caught:
        ask()
    return caught.value


# Modules


def test_modules_have_specs(torch: Any) -> None:
    """A stand-in is found as any module is, with all its submodules."""
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec is torch.__spec__
    assert importlib.util.find_spec("torch.nn.functional") is not None
    functional = importlib.import_module("torch.nn.functional")
    assert isinstance(functional, ModuleType)
    assert torch.nn.functional is functional
    assert (functional.__name__, functional.__package__) == ("torch.nn.functional", "torch.nn.functional")
    assert repr(torch) == "<module 'torch' (a stand-in)>"


def test_a_stand_in_is_found_before_what_other_finders_find() -> None:
    """Such as those of editable installs, and of pytest, where assertions are rewritten."""

    class Finder:
        """Finds everything."""

        @staticmethod
        def find_spec(fullname: str, *_: object) -> ModuleSpec:
            """In the place of the real module."""
            return ModuleSpec(fullname, None, origin="found by another finder")

    with patch.object(sys, "meta_path", [Finder, *sys.meta_path]):
        with put_first(StandInFinder(StandIn("stoodin", SOURCE))):
            spec = importlib.util.find_spec("stoodin")
            assert spec
            assert spec.origin is None
        spec = importlib.util.find_spec("stoodin")
        assert spec
        assert spec.origin == "found by another finder"


def test_names_are_imported_from_submodules(torch: Any) -> None:
    """Names and modules of one dotted name are one, in whatever order they are asked for."""
    early = torch.utils.data.DataLoader
    from torch import nn  # type: ignore[import-not-found,unused-ignore]
    from torch.utils.data import DataLoader, Dataset  # type: ignore[import-not-found,unused-ignore]

    assert DataLoader is early
    assert nn.Module is importlib.import_module("torch.nn").Module is torch.nn.Module
    assert Dataset is not DataLoader


def test_a_reload_changes_nothing(torch: Any) -> None:
    """What was configured is there still."""
    torch.load.return_value = 5
    assert importlib.reload(torch) is torch
    assert torch.load() == 5


def test_a_star_import_says_what_to_do(torch: Any) -> None:
    """Nobody knows which names there are, unless somebody tells."""
    with pytest.raises(StandInRefused, match=r"^import \* was asked of torch, (.|\n)*configure it: torch.__all__ = "):
        exec("from torch import *")
    torch.__all__ = ["load"]
    namespace: dict[str, object] = {}
    exec("from torch import *", namespace)
    assert namespace["load"] is torch.load


def test_the_version_is_told_where_it_is_known(torch: Any) -> None:
    """Otherwise there is none, as ``getattr`` with a default and ``importorskip`` understand."""
    assert torch.__version__ >= "2.1" and torch.__version__ >= (2, 1)  # one is in the table
    unknown = StandIn("nobody_knows", SOURCE)
    with put_first(StandInFinder(unknown)), patch.dict(sys.modules):
        module = importlib.import_module("nobody_knows")
        assert getattr(module, "__version__", None) is None
        with pytest.raises(AttributeError, match=r"Set it: nobody_knows.__version__ = \.\.\."):
            _ = module.__version__
    triton = StandIn("triton", SOURCE, installed_version=lambda: "3.4.0")
    with put_first(StandInFinder(triton)), patch.dict(sys.modules):
        assert importlib.import_module("triton").__version__ == "3.4.0"


def test_tools_that_look_at_all_modules_find_nothing_odd(torch: Any) -> None:
    """No file, no warnings, no marks of pytest."""
    for name in ("__file__", "__warningregistry__", "__wrapped__", "_pytestfixturefunction", "pytestmark"):
        assert not hasattr(torch, name)
        assert not hasattr(torch.load, name)
        assert not hasattr(torch.load(), name)


# Classes


def test_a_class_derives_from_a_name(torch: Any) -> None:
    """It has its own methods and attributes, ``super()``, and whatever else the base may have."""
    net = _derived(torch.nn.Module)(3)
    assert net.forward(1) == 4
    assert isinstance(net, torch.nn.Module)
    assert issubclass(type(net), torch.nn.Module)
    assert _refused(lambda: bool(net.train(False))).asked == "Net(...).train(...)"
    assert net.parameters is net.parameters
    with pytest.raises(AttributeError, match="broken"):
        _ = net.broken
    assert not hasattr(net, "_cache")


def test_a_class_with_more_bases(torch: Any) -> None:
    """ABCs, protocols, generics and another stand-in's names go together with a name."""
    item = typing.TypeVar("item")

    class Runs(typing.Protocol):
        def run(self) -> int: ...

    class Base(torch.nn.Module, abc.ABC):  # type: ignore[misc]
        @abc.abstractmethod
        def go(self) -> int: ...

    class Plain(torch.nn.Module):  # type: ignore[misc]
        @abc.abstractmethod
        def go(self) -> int: ...

    class Whole(torch.nn.Module, Runs):  # type: ignore[misc]
        def run(self) -> int:
            return 1

    class Many(torch.utils.data.Dataset[item], typing.Generic[item]):  # type: ignore[misc]
        pass

    with pytest.raises(TypeError, match="abstract"):
        Base()
    assert Plain().go() is None  # type: ignore[func-returns-value]  # torch's own metaclass does not look either
    assert Whole().run() == 1
    assert Many[int]() is not None


def test_a_dataset_of_the_users_is_a_sequence(torch: Any) -> None:
    """What a derived class defines goes before what a stand-in refuses."""

    class Squares(torch.utils.data.Dataset[int]):  # type: ignore[misc]
        def __getitem__(self, index: int) -> int:
            if index == 3:
                raise IndexError
            return index * index

    class Sized(Squares):
        def __len__(self) -> int:
            return 3

    assert list(Squares()) == [0, 1, 4]
    assert len(Sized()) == 3
    assert bool(Sized())
    assert Sized() != Sized()


def test_instances_of_names(torch: Any) -> None:
    """``isinstance`` is false for ordinary objects, true for what a class gave, and refused where nobody knows."""
    assert not isinstance(3, torch.Tensor)
    assert not issubclass(int, torch.Tensor)
    assert not isinstance(None, (torch.Tensor, torch.nn.Module))
    assert isinstance(torch.nn.Linear(2, 3), torch.nn.Linear)
    assert "isinstance() or issubclass() with torch.tensor was asked of torch.Tensor" in str(
        _refused(lambda: isinstance(torch.tensor([1]), torch.Tensor))
    )
    _refused(lambda: issubclass(_derived(torch.nn.Linear), torch.nn.Module))


def test_names_of_exceptions_are_exceptions(torch: Any) -> None:
    """A name in ``Error``, ``Exception`` or ``Warning`` can be raised, caught and filtered by."""
    with pytest.raises(torch.cuda.OutOfMemoryError, match="no more") as caught:
        raise torch.cuda.OutOfMemoryError("no more")
    assert caught.value.args == ("no more",)
    try:
        raise ValueError
    except torch.cuda.OutOfMemoryError:
        pytest.fail("caught")
    except ValueError:
        pass
    assert issubclass(torch.jit.TracerWarning, Warning)
    assert pickle.loads(pickle.dumps(caught.value)).args == ("no more",)
    assert bool(caught.value)


# Functions


def test_decorated_functions_do_what_they_do(torch: Any) -> None:
    """With and without a call, of functions, methods and classes."""

    @torch.no_grad()
    def first(x: int) -> int:
        return x + 1

    @torch.inference_mode
    def second(x: int) -> int:
        return x + 2

    @torch.jit.script
    class Third:
        @staticmethod
        @torch.compile(fullgraph=True)
        def third(x: int) -> int:
            return x + 3

    assert (first(1), second(1), Third.third(1)) == (2, 3, 4)
    torch.inference_mode.assert_called_once()
    torch.no_grad.assert_called_once_with()


def test_a_function_that_is_changed_is_not_given_back(torch: Any) -> None:
    """What a transformation would compute, nobody knows."""

    @torch.vmap
    def first(x: int) -> int:
        return x + 1

    def second(x: int) -> int:
        return x + 2

    _refused(lambda: first(1) + 1)
    _refused(lambda: torch.func.grad(second)(1) + 1)
    assert torch.compile(second)(1) == 3  # it computes the same
    assert torch.no_grad()(second)(1) == 3


def test_what_decorators_add_is_there(torch: Any) -> None:
    """The function is itself, and others can be registered at it."""

    @torch.library.custom_op("app::double", mutates_args=())
    def double(x: int) -> int:
        return 2 * x

    @double.register_fake  # type: ignore[attr-defined]  # added by the decorator
    def _(x: int) -> int:
        return x

    assert double(2) == 4
    assert isinstance(double, types.FunctionType)


def test_a_kernel_is_not_given_back(torch: Any) -> None:
    """It is launched by ``kernel[grid](...)``, which a function doesn't understand."""
    with put_first(StandInFinder(StandIn("triton", SOURCE))), patch.dict(sys.modules):
        triton = importlib.import_module("triton")

        @triton.jit
        def kernel() -> None: ...

        _refused(lambda: kernel[1]())  # type: ignore[index]  # on purpose

    @torch.jit.script
    def double(x: int) -> int:
        return 2 * x

    assert double(2) == 4


def test_without_source_a_function_is_given_back(torch: Any) -> None:
    """Where nobody can tell whether a decorator was written."""
    namespace: dict[str, Any] = {"torch": torch}
    exec("@torch.inference_mode\ndef double(x):\n    return 2 * x", namespace)
    assert namespace["double"](2) == 4


def test_annotations(torch: Any) -> None:
    """Unions, subscripts, hints and signatures, evaluated at run time."""

    def function(x: Any, dtype: Any = torch.float32) -> Any: ...

    function.__annotations__ = {"x": torch.Tensor | None, "dtype": "torch.dtype", "return": list[torch.Tensor]}
    hints = typing.get_type_hints(function, {"torch": torch})
    assert hints == {"x": torch.Tensor | None, "dtype": torch.dtype, "return": list[torch.Tensor]}
    assert inspect.signature(function).parameters["dtype"].default is torch.float32
    assert str(inspect.signature(torch.load)).startswith("(*args")
    assert typing.get_args(torch.utils.data.Dataset[int]) == (int,)
    assert typing.get_args(typing.Optional[torch.Tensor]) == (torch.Tensor, type(None))  # noqa: UP045


def test_constants_are_equal_to_themselves(torch: Any) -> None:
    """They are compared and hashed, as default arguments and keys."""
    assert torch.float32 == torch.float32
    assert torch.float32 != torch.float16
    assert {torch.float32: 1}[torch.float32] == 1
    assert torch.float32 in (torch.float16, torch.float32)


def test_a_constant_is_not_compared_with_a_number(torch: Any) -> None:
    """Which is equal to it, nobody knows; a class is equal to none."""
    _refused(lambda: torch.pi == 3.14)
    _refused(lambda: 0 in (torch.inf, 1))
    assert torch.float32 != "float32"
    assert torch.nn.Linear != 3
    torch.save(torch.pi)
    torch.save.assert_called_once_with(torch.pi)


def test_constants_are_written_as_they_are_named(torch: Any) -> None:
    """As a dtype writes itself; a class does as classes do."""
    assert f"{torch.float32}" == str(torch.float32) == "torch.float32"
    assert repr(torch.float32) == "<stand-in torch.float32>"
    assert str(torch.Tensor) == "<stand-in torch.Tensor>"


def test_bounds_of_type_variables(torch: Any) -> None:
    """A class may be written like a constant, as ``numpy.generic`` is, and typing asks for its truth."""
    assert typing.TypeVar("bound", bound=torch.generic).__bound__ is torch.generic  # type: ignore[misc]  # on purpose


def test_dataclasses(torch: Any) -> None:
    """Fields with such types and defaults."""

    @dataclasses.dataclass
    class Batch:
        data: torch.Tensor
        dtype: torch.dtype = torch.float32

    assert Batch(1) == Batch(1)
    assert dataclasses.fields(Batch)[1].default is torch.float32


def test_singledispatch(torch: Any) -> None:
    """A name can be registered; ordinary objects go elsewhere."""

    @functools.singledispatch
    def kind(_: object) -> str:
        return "object"

    kind.register(torch.Tensor, lambda _: "tensor")
    kind.register(torch.nn.Linear, lambda _: "linear")
    assert kind(3) == "object"
    assert kind(torch.nn.Linear(1, 2)) == "linear"


def test_pickle_and_copy(torch: Any) -> None:
    """Classes, instances with layers in them, names and results."""
    net = _derived(torch.nn.Module)()
    net.layer = torch.nn.Linear(1, 2)
    net.layer.forward(1)
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net), copy.copy(net)):
        assert type(other) is type(net)
        assert other.width == 2
        assert isinstance(other.layer, torch.nn.Linear)
    assert pickle.loads(pickle.dumps(type(net))) is type(net)
    for name in (torch.float32, torch.backends.mps.is_available):
        assert pickle.loads(pickle.dumps(name)) is name
        assert copy.deepcopy(name) is name


def test_context_managers(torch: Any) -> None:
    """They are entered and left, and swallow nothing."""
    with torch.autocast("cpu", enabled=True):
        pass
    with pytest.raises(KeyError), torch.no_grad():
        raise KeyError
    torch.autocast.assert_called_once_with("cpu", enabled=True)


# Calls


def test_calls_are_recorded(torch: Any) -> None:
    """As ``unittest.mock`` records them, of names and of results."""
    model = torch.load("x", map_location="cpu")
    torch.load.assert_called_once_with("x", map_location="cpu")
    assert torch.load.call_args == call("x", map_location="cpu")
    assert (torch.load.call_count, torch.save.called) == (1, False)
    model.eval()
    model.eval.assert_called_once_with()
    torch.save(model, "y")
    torch.save.assert_called_once_with(model, "y")
    with pytest.raises(AssertionError, match="expected call not found"):
        torch.save.assert_called_once_with(torch.load("z"), "y")
    torch.load.reset_mock()
    torch.load.assert_not_called()


def test_a_misspelt_assertion_does_not_pass(torch: Any) -> None:
    """It would be a stand-in otherwise, and give another one."""
    with pytest.raises(AttributeError, match=r"Did you mean 'assert_called_once_with'?"):
        torch.load.assert_called_once_wiht("x")
    with pytest.raises(AttributeError, match=r"Did you mean 'assert_not_called'?"):
        torch.load("x").assert_not_caled()


def test_an_assertion_of_the_real_module_does_not_pass(torch: Any) -> None:
    """Nobody has compared anything, unless somebody says what is to become of it."""
    assert _refused(lambda: torch.testing.assert_close(1, 2)).operation == "an assertion"
    _refused(lambda: _derived(torch.testing.TestCase)().assertAllClose(1, 2))
    torch.testing.assert_allclose.side_effect = lambda given, expected: given == expected
    assert torch.testing.assert_allclose(1, 1)
    torch.testing.assert_close.return_value = None
    assert torch.testing.assert_close(1, 2) is None


def test_configured_values_are_given(torch: Any) -> None:
    """By ``return_value``, ``side_effect``, a plain attribute, or a patch."""
    torch.cuda.is_available.return_value = False
    assert torch.cuda.is_available() is False
    torch.load.side_effect = OSError("gone")
    with pytest.raises(OSError, match="gone"):
        torch.load()
    torch.pi = 3.0
    assert torch.pi * 2 == 6.0
    with patch("torch.save", return_value=7):
        assert torch.save() == 7
    _refused(lambda: torch.save() + 1)
    torch.hub.load.return_value.eval.return_value = "evaluated"
    assert torch.hub.load("x").eval() == "evaluated"
    torch.compile.return_value = 5
    assert torch.compile(print) == 5


def test_results_are_new_until_the_return_value_is_asked_for(torch: Any) -> None:
    """Two layers are two objects; ``return_value`` is the last one."""
    first, second = torch.nn.Linear(1, 2), torch.nn.Linear(1, 2)
    assert first is not second
    assert torch.nn.Linear.return_value is second
    assert torch.nn.Linear(3, 4) is second


def test_a_test_begins_anew(torch: Any, stand_in: StandIn) -> None:
    """Calls and what a test has configured are forgotten; what was configured before is not."""
    torch.load.return_value = 1
    torch.load()
    torch.save()
    torch.answer = 42
    before = stand_in.begin_anew()
    torch.load.assert_not_called()
    assert torch.load() == 1
    torch.load.return_value = torch.save.return_value = 2
    torch.answer = 43
    torch.other = 44
    import torch.nn

    stand_in.go_back(before)
    torch.save.assert_not_called()
    assert torch.load() == 1
    assert torch.answer == 42
    _refused(lambda: torch.save() + 1)
    _refused(lambda: torch.other + 1)
    assert torch.nn is sys.modules["torch.nn"]


# What is refused

REFUSED: dict[str, Callable[[Any], object]] = {
    "bool()": bool,
    "len()": len,
    "int()": int,
    "float()": float,
    "iteration": iter,
    "[]": lambda x: x[0],
    "+": lambda x: x + 1,
    "*": lambda x: 2 * x,
    "@": lambda x: x @ x,
    "-": lambda x: -x,
    "<": lambda x: x < 1,
    ">=": lambda x: x >= 1,
    "==": lambda x: x == 1,
    "format '.2f'": lambda x: f"{x:.2f}",
    "abs()": abs,
    "round()": round,
    "next()": next,
}


@pytest.mark.parametrize("operation", REFUSED)
def test_nothing_is_computed_with_a_result(torch: Any, operation: str) -> None:
    """The error says what was asked of what, and what to configure."""
    error = _refused(lambda: REFUSED[operation](torch.load("x").shape))
    assert (error.fullname, error.operation, error.asked) == ("torch", operation, "torch.load(...).shape")
    assert error.setting == "torch.load.return_value.shape"


@pytest.mark.parametrize("operation", sorted(REFUSED.keys() - {"[]", "==", "format '.2f'"}))
def test_nothing_is_computed_with_a_name(torch: Any, operation: str) -> None:
    """A constant has no value."""
    error = _refused(lambda: REFUSED[operation](torch.pi))
    assert (error.operation, error.asked, error.setting) == (operation, "torch.pi", "torch.pi")


def test_the_text_of_a_refusal(torch: Any) -> None:
    """Who and what; who put it in; what to type."""
    assert str(_refused(lambda: bool(torch.cuda.is_full()))) == (
        "bool() was asked of torch.cuda.is_full(), and there is no answer: 'torch' is a stand-in.\n"
        "  put in: --heavy-stub=torch\n"
        'To have the real one, take heavy_module("torch"), or the fixture of its declaration.\n'
        "To go on with a value of your own, configure it: torch.cuda.is_full.return_value = ..."
    )


def test_classes_are_true(torch: Any) -> None:
    """By the way they are written, where nothing else is known."""
    assert torch.nn.Module
    assert _derived(torch.nn.Module)
    _refused(lambda: bool(torch.version.cudnn))


def test_approx_works_with_a_stand_in_of_numpy() -> None:
    """pytest asks a numpy that it finds in sys.modules whether a number is one."""
    with put_first(StandInFinder(StandIn("numpy", ""))), patch.dict(sys.modules):
        for name in [name for name in sys.modules if name.partition(".")[0] == "numpy"]:
            del sys.modules[name]
        importlib.import_module("numpy")
        assert pytest.approx(0.3) == 0.1 + 0.2


# What is known of the real one


@pytest.fixture
def known(stand_in: StandIn, torch: Any) -> Any:
    """The same where the real names are known."""
    stand_in.known = RealNames("2.13.0", KNOWN, SIGNATURES)
    return torch


def test_a_name_that_the_real_one_lacks_is_refused(known: Any) -> None:
    """With the nearest ones."""
    with pytest.raises(AttributeError) as caught:
        _ = known.nn.Liner
    assert str(caught.value) == (
        "the real module 'torch.nn' has no attribute 'Liner' (torch 2.13.0). Did you mean 'Linear'?"
    )
    with pytest.raises(ImportError, match="Liner"):
        from torch.nn import Liner  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=r"torch.on"):
        importlib.import_module("torch.on")
    assert known.nn.Linear is not None


def test_calls_are_checked_against_the_known_signature(known: Any) -> None:
    """As those of ``create_autospec`` are; nothing is recorded of one that the real function doesn't take."""
    with pytest.raises(TypeError) as caught:
        known.load("x", map_locaton="cpu")
    assert str(caught.value) == (
        "the real 'torch.load' can't be called like this: got an unexpected keyword argument 'map_locaton' "
        "(torch 2.13.0: load(f, map_location=..., *, mmap=...))."
    )
    known.load.assert_not_called()
    with pytest.raises(TypeError, match="missing a required argument: 'out_features'"):
        known.nn.Linear(3)
    known.load("x", "cpu", mmap=True)
    known.nn.Linear(3, out_features=4)
    known.tensor(1, 2, anything=3)


def test_no_frame_of_a_stand_in_is_shown_where_it_refuses(known: Any) -> None:
    """The last frame that a reader sees is that of the test."""
    refused: list[Callable[[], object]] = [
        lambda: known.load(),
        lambda: known.nn.Linear(3),
        lambda: known.nn.Liner,
        lambda: known.float32(),
        lambda: bool(known.tensor(1)),
    ]
    for ask in refused:
        with pytest.raises((AttributeError, TypeError, StandInRefused)) as caught:
            ask()
        shown = [entry for entry in caught.traceback if not entry.ishidden(caught)]
        assert {str(entry.path) for entry in shown} == {__file__}


def test_kinds_are_checked(known: Any) -> None:
    """A constant isn't called, and a function is no class."""
    with pytest.raises(TypeError, match=r"^the real 'torch.float32' is no function, and can't be called \(torch 2.13"):
        known.float32()
    with pytest.raises(TypeError, match=r"^the real 'torch.load' is a function, and no class \(torch 2.13.0\)\.$"):
        isinstance(3, known.load)
    with pytest.raises(TypeError, match="no class"):
        type("Net", (known.load,), {})
    assert not isinstance(3, known.nn.Linear)
    assert not isinstance(3, known.number)


def test_where_nothing_is_known_anything_goes(known: Any) -> None:
    """A submodule that was not imported when the real one was looked at."""
    assert known.nn.functional.anything is not None


def test_a_module_that_makes_names_is_judged_by_likeness(known: Any) -> None:
    """With a ``__getattr__`` of its own it may have more than it shows."""
    with pytest.raises(AttributeError, match="is_available"):
        _ = known.cuda.is_availabel
    assert known.cuda.something_new is not None


def test_known_kinds(known: Any) -> None:
    """Modules are modules, exceptions derive from what theirs do, classes and functions are true."""
    assert isinstance(known.nn, ModuleType)
    assert issubclass(known.cuda.OutOfMemoryError, RuntimeError)
    assert known.load
    assert "Linear" in dir(known.nn)
    _refused(lambda: bool(known.pi))
