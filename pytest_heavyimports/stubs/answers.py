"""
What a stand-in knows: questions about the machine and the installation have true answers, which nobody must compute.

A machine with a stand-in of torch has no device that torch could use. The answers are those of the real package on such
a machine. They are tables, by package, and can be configured like anything else of a stand-in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from operator import eq, ge, gt, le, lt, ne
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from ..facts.names import lineage, root
from .calls import MISSING

if TYPE_CHECKING:

    class Names(Protocol):
        """What an answer may ask of the stand-in."""

        def get(self, fullname: str) -> Any:
            """The object of that name."""

        def make(self, fullname: str) -> Any:
            """An instance of the class of that name."""

        def is_configured(self, fullname: str) -> bool:
            """Whether somebody has said what that function gives."""


Answer = Callable[..., Any]
"""Called with the stand-in, and with what the function was called with; ``MISSING`` where it doesn't know either."""


def _gives(value: Any) -> Answer:
    return lambda *_, **__: value


def _raises(error: type[Exception], text: str) -> Answer:
    def answer(*_: Any, **__: Any) -> Any:
        raise error(text)

    return answer


def _unless(configured: str, answer: Answer) -> Answer:
    """Nothing is known of a device, or of a group, where a test says that there is one."""
    return lambda names, *args, **kwargs: MISSING if names.is_configured(configured) else answer(names, *args, **kwargs)


def _function_itself(_: Names, function: Any = None, **__: Any) -> Any:
    """What a decorator gives that is called like a function: ``fast = torch.compile(slow)``."""
    return function if isinstance(function, FunctionType) else MISSING


def _each(names: str, answer: Answer) -> dict[str, Answer]:
    return dict.fromkeys(names.split(), answer)


class TorchVersion(str):
    """A text that is compared as a version, as torch's own is."""

    __slots__ = ()

    def _compare(self, other: Any, operation: Callable[[Any, Any], bool]) -> bool:
        from packaging.version import InvalidVersion, Version  # some milliseconds, for those who compare

        text = ".".join(map(str, other)) if isinstance(other, (tuple, list)) else str(other)
        try:
            return operation(Version(self), Version(text))
        except InvalidVersion:
            return operation(str(self), text)

    def __lt__(self, other: Any) -> bool:
        return self._compare(other, lt)

    def __le__(self, other: Any) -> bool:
        return self._compare(other, le)

    def __gt__(self, other: Any) -> bool:
        return self._compare(other, gt)

    def __ge__(self, other: Any) -> bool:
        return self._compare(other, ge)

    def __eq__(self, other: object) -> bool:
        return self._compare(other, eq)

    def __ne__(self, other: object) -> bool:
        return self._compare(other, ne)

    __hash__ = str.__hash__


# torch.device: a value that says what it was made of.


def _device(names: Names, *args: Any, **kwargs: Any) -> Any:
    given: Any = kwargs.get("type", args[0] if args else "cpu")
    index: Any = kwargs.get("index", args[1] if len(args) > 1 else None)
    if isinstance(given, int):
        given, index = "cuda", given
    elif not isinstance(given, str):
        given, index = given.type, given.index
    elif ":" in given:
        given, _, number = given.partition(":")
        index = int(number)
    device = names.make("torch.device")
    device.type, device.index = given, index
    return device


def _device_text(device: Any) -> str:
    return device.type if device.index is None else f"{device.type}:{device.index}"


def _device_repr(device: Any) -> str:
    return f"device(type={device.type!r}{'' if device.index is None else f', index={device.index}'})"


def _is_same_device(device: Any, other: object) -> bool:
    return type(other) is type(device) and _device_text(device) == _device_text(other)


METHODS: Mapping[str, Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "torch.device": {
            "__eq__": _is_same_device,
            "__hash__": lambda device: hash(_device_text(device)),
            "__str__": _device_text,
            "__repr__": _device_repr,
        }
    }
)
"""What instances of some classes can do."""


def _is_tensor(name: str) -> Answer:
    return lambda names, value: isinstance(value, names.get(name))


def _hub_dir(_: Names) -> str:
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.path.join(os.environ.get("TORCH_HOME", os.path.join(cache, "torch")), "hub"))


_HAS_CUDA, _HAS_GROUP = "torch.cuda.is_available", "torch.distributed.is_initialized"
_NO_CUDA = _unless(_HAS_CUDA, _raises(AssertionError, "Torch not compiled with CUDA enabled"))
_NO_GROUP = _unless(
    _HAS_GROUP,
    _raises(ValueError, "Default process group has not been initialized, please make sure to call init_process_group."),
)


# tensorflow, jax


class CpuDevice:
    """What tensorflow or jax say of a processor."""

    id = process_index = local_hardware_id = 0
    platform = device_kind = "cpu"
    device_type = "CPU"

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def _tensorflow_devices(name: str) -> Answer:
    def answer(_: Names, device_type: str | None = None) -> list[CpuDevice]:
        return [CpuDevice(name)] if device_type in (None, "CPU") else []

    return answer


_JAX_CPU = CpuDevice("TFRT_CPU_0")


def _jax_devices(_: Names, backend: str | None = None, **__: Any) -> list[CpuDevice]:
    if backend not in (None, "cpu"):
        raise RuntimeError(
            f"Unknown backend: {backend!r} requested, but no platforms that are instances of {backend} are present. "
            "Platforms present are: cpu"
        )
    return [_JAX_CPU]


def _array_module(_: Names, *__: Any) -> Any:
    import numpy  # cupy gives numpy for whatever is on no device

    return numpy


VERSIONS: Mapping[str, str] = MappingProxyType(
    {"torch": "2.13.0", "tensorflow": "2.20.0", "jax": "0.8.1", "cupy": "13.6.0"}
)
"""Where nothing of the real one is installed or remembered."""

OF_VERSION = ("torch.version.__version__", "tensorflow.version.VERSION", "jax.version.__version__")
"""Other names of it."""

CALLS: Mapping[str, Answer] = MappingProxyType(
    {
        "numpy.isscalar": lambda _, value: isinstance(value, (int, float, complex, str, bytes)),
        # torch
        "torch.device": _device,
        "torch.is_tensor": _is_tensor("torch.Tensor"),
        "torch.is_storage": _is_tensor("torch.UntypedStorage"),
        "torch.overrides.is_tensor_like": lambda names, value: (
            hasattr(type(value), "__torch_function__") or isinstance(value, names.get("torch.Tensor"))
        ),
        "torch.get_default_dtype": lambda names: names.get("torch.float32"),
        "torch.get_default_device": _device,
        "torch.get_autocast_cpu_dtype": lambda names: names.get("torch.bfloat16"),
        "torch.get_autocast_gpu_dtype": lambda names: names.get("torch.float16"),
        "torch.utils.data.get_worker_info": _gives(None),
        **_each(
            "torch.compile torch.compiler.allow_in_graph torch.compiler.disable torch.jit.export torch.jit.ignore "
            "torch.jit.script torch._dynamo.disable",
            _function_itself,
        ),
        "torch.initial_seed": _gives(67280421310721),
        "torch.get_float32_matmul_precision": _gives("highest"),
        "torch.get_deterministic_debug_mode": _gives(0),
        "torch.hub.get_dir": _hub_dir,
        **_each("torch.get_num_threads torch.get_num_interop_threads", lambda _: os.cpu_count() or 1),
        **_each("torch.cpu.is_available torch.cpu.is_initialized", _gives(True)),
        "torch.cpu.device_count": _gives(1),
        "torch.cpu.current_device": _gives("cpu"),
        "torch.accelerator.current_accelerator": _gives(None),
        "torch.backends.cudnn.version": _gives(None),
        **_each(
            "torch.backends.cuda.cudnn_sdp_enabled torch.backends.cuda.flash_sdp_enabled "
            "torch.backends.cuda.math_sdp_enabled torch.backends.cuda.mem_efficient_sdp_enabled",
            _gives(True),
        ),
        **_each("torch.compiler.list_backends torch._dynamo.list_backends torch.cuda.get_arch_list", lambda *_: []),
        **_each(
            "torch.cuda.max_memory_allocated torch.cuda.max_memory_reserved torch.cuda.memory_allocated "
            "torch.cuda.device_count torch.cuda.memory_reserved torch._C._cuda_getDeviceCount",
            _unless(_HAS_CUDA, _gives(0)),
        ),
        **_each(
            "torch.cuda.current_device torch.cuda.get_device_capability torch.cuda.get_device_name "
            "torch.cuda.get_device_properties torch.cuda.mem_get_info",
            _NO_CUDA,
        ),
        **_each("torch.distributed.get_backend torch.distributed.get_rank torch.distributed.get_world_size", _NO_GROUP),
        "torch.distributed.is_torchelastic_launched": lambda _: "TORCHELASTIC_RUN_ID" in os.environ,
        # tensorflow
        **_each(
            "tensorflow.config.experimental.list_physical_devices tensorflow.config.get_visible_devices "
            "tensorflow.config.list_physical_devices",
            _tensorflow_devices("/physical_device:CPU:0"),
        ),
        **_each(
            "tensorflow.config.experimental.list_logical_devices tensorflow.config.list_logical_devices",
            _tensorflow_devices("/device:CPU:0"),
        ),
        **_each(
            "tensorflow.config.functions_run_eagerly tensorflow.distribute.has_strategy "
            "tensorflow.test.is_built_with_cuda tensorflow.test.is_built_with_gpu_support "
            "tensorflow.test.is_built_with_rocm tensorflow.test.is_built_with_xla tensorflow.test.is_gpu_available",
            _gives(False),
        ),
        "tensorflow.executing_eagerly": _gives(True),
        "tensorflow.is_tensor": _is_tensor("tensorflow.Tensor"),
        "tensorflow.test.gpu_device_name": _gives(""),
        "tensorflow.sysconfig.get_build_info": lambda _: {"is_cuda_build": False, "is_rocm_build": False},
        "tensorflow.keras.backend.floatx": _gives("float32"),
        "tensorflow.keras.backend.image_data_format": _gives("channels_last"),
        # jax
        **_each("jax.devices jax.local_devices", _jax_devices),
        "jax.default_backend": _gives("cpu"),
        **_each("jax.device_count jax.local_device_count jax.process_count jax.host_count", _gives(1)),
        **_each("jax.process_index jax.host_id", _gives(0)),
        **_each("jax.extend.backend.get_backend jax.lib.xla_bridge.get_backend", _gives(_JAX_CPU)),
        "jax.distributed.is_initialized": _gives(False),
        # cupy
        **_each("cupy.is_available cupy.cuda.is_available", _gives(False)),
        "cupy.cuda.runtime.getDeviceCount": _gives(0),
        **_each("cupy.get_array_module cupyx.scipy.get_array_module", _array_module),
    }
)
"""By name."""

KINDS: Mapping[str, tuple[tuple[str, Any], ...]] = MappingProxyType(
    {
        "torch": (
            (
                r"is_available|is_built|is_initialized|_?is_compiled|(is|has)_\w+_(available|supported)|has_\w+|is_macos\w*",
                False,
            ),
            (r"is_(dynamo_)?compiling|is_exporting|is_scripting|is_tracing|is_in_onnx_export", False),
            (r"are_deterministic_algorithms_enabled|is_deterministic_algorithms_warn_only_enabled", False),
            (r"is_anomaly_enabled|is_warn_always_enabled", False),
            (r"device_count", 0),
        ),
    }
)
"""By the last part of a name, in a package: torch has a module for each kind of device, and people add more."""

VALUES: Mapping[str, Any] = MappingProxyType(
    {
        "torch.version.cuda": None,
        "torch.version.hip": None,
        "torch.version.xpu": None,
        "torch.version.debug": False,
        "torch.has_cuda": False,
        "torch.has_cudnn": False,
        "torch.has_mps": False,
        "torch.has_mkldnn": False,
        "torch.backends.cudnn.enabled": True,
        "torch.backends.cudnn.benchmark": False,
        "torch.backends.cudnn.deterministic": False,
        "torch.backends.cudnn.allow_tf32": True,
        "torch.backends.cuda.matmul.allow_tf32": False,
        "torch.backends.quantized.engine": "none",
        "torch.backends.quantized.supported_engines": (),
        "torch.utils.cpp_extension.CUDA_HOME": None,
        "torch.utils.cpp_extension.ROCM_HOME": None,
        "torch.utils.cpp_extension.IS_HIP_EXTENSION": False,
        "jax.config.jax_enable_x64": False,
        "jax.config.jax_platforms": None,
        "cupy.cuda.runtime.is_hip": False,
    }
)
"""Attributes."""


def _itself(_: Names, value: Any) -> Any:
    return value


SETTERS: Mapping[str, tuple[str, Answer]] = MappingProxyType(
    {
        "torch.manual_seed": ("torch.initial_seed", _itself),
        "torch.set_default_device": ("torch.get_default_device", _device),
        "torch.set_default_dtype": ("torch.get_default_dtype", _itself),
        "torch.set_float32_matmul_precision": ("torch.get_float32_matmul_precision", _itself),
        "torch.set_num_interop_threads": ("torch.get_num_interop_threads", _itself),
        "torch.set_num_threads": ("torch.get_num_threads", _itself),
        "torch.use_deterministic_algorithms": ("torch.are_deterministic_algorithms_enabled", _itself),
        "torch.hub.set_dir": ("torch.hub.get_dir", _itself),
    }
)
"""Functions whose first argument is what another one answers from then on."""


_THERE = frozenset(
    (
        "torch.amp torch.backends.mps torch.compile torch.func torch.hpu torch.inference_mode torch.mps torch.mtia "
        "torch.nn.attention torch.nn.functional.scaled_dot_product_attention torch.npu torch.vmap torch.xpu"
    ).split()
).union(each for name in (*CALLS, *VALUES, *SETTERS) for each in lineage(name) if name not in VALUES or each != name)


def is_known(fullname: str) -> bool:
    """Whether a name is known to be that of a module or a function, which is true to ``if``."""
    return fullname in _THERE


@cache  # as many as there are names in the code under test
def answer_of(fullname: str) -> Answer | None:
    """How a call is answered; ``None`` where nobody knows."""
    found = CALLS.get(fullname)
    name = fullname.rpartition(".")[2]
    for pattern, value in KINDS.get(root(fullname), ()) if found is None else ():
        if re.fullmatch(pattern, name):
            return _gives(value)
    return found


def version_of(package: str) -> str | None:
    """The version that a stand-in has where nothing is known of the real one."""
    return VERSIONS.get(package)
