"""The one place that spells ini keys, command-line flags and marks. Gives :class:`Settings`, read once in a run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from argparse import Namespace
    from typing import NamedTuple as Record
else:
    from types import SimpleNamespace

    class Record(SimpleNamespace):
        """For type checkers a named tuple. Every run defines the settings: as such they take 0.5 ms of a run's 5."""

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(f"{name} can't be changed")


MODULES_KEY = "heavy_modules"
PROTECT_KEY = "heavy_protect"
PRELOAD_KEY = "heavy_preload"
DEFER_KEY = "heavy_defer"
WORKERS_KEY = "heavy_xdist_workers"
THREADS_KEY = "heavy_xdist_threads"
STUB_KEY = "heavy_stub"
STUB_FILE_KEY = "heavy_stub_file"
LEAK_KEY = "heavy_cuda_leak"
TOLERANCE_KEY = "heavy_cuda_leak_tolerance"
CUDA_WORKERS_KEY = "heavy_cuda_workers"
TIMEOUT_KEY = "heavy_isolate_timeout"
IDLE_KEY = "heavy_warm_idle"
IGNORE_KEY = "heavy_warm_ignore"
REPORT_KEY = "heavy_report"
BUDGET_KEY = "heavy_budget"
BUDGETS_CACHE_KEY = "heavyimports/budgets"
"""In pytest's cache: what the parts of each budget took in the last run."""
REPORT_SUFFIXES = (".speedscope.json", ".json", ".html", ".importtime.txt")
"""What ``--heavy-report`` writes, by the end of the file's name: the first that applies."""
STUBBED_CACHE_KEY = "heavyimports/stand-ins"
"""In pytest's cache: the modules that this project has used stand-ins of."""

CHOICES = {
    "heavy_missing": (
        ("skip", "fail"),
        "what becomes of a test or file whose heavy module is not installed, or too old",
    ),
    "heavy_gc": (
        ("pause", "off", "freeze"),
        "garbage collector: pause it during a heavy import, leave it alone (off), or pause it and freeze what came in",
    ),
    "heavy_guard": (
        ("off", "restore", "error"),
        "modules that can't be initialised twice, reloaded, thrown out of sys.modules or replaced by fakes: nothing is "
        "done (off), they are given back with a warning (restore), the culprit fails as well (error)",
    ),
    "heavy_order": (
        ("keep", "light-first"),
        "order of the tests: as it is (keep), or those that ask for a heavy module after all others (light-first)",
    ),
    "heavy_runpytest": (
        ("off", "fork", "fork-all"),
        "runs of pytest that tests start by pytester.runpytest(), or by runpytest_subprocess() as well (fork-all), are "
        "forked from a process that has imported pytest",
    ),
}
WATCH = "watch"
"""In the place of a value of ``heavy_guard``: the guard only looks on, for ``heavyimports doctor``."""
REPORT_CHOICES = ("on", "off")
LEAK_CHOICES = ("off", "warn", "error")
COUNTS = {
    WORKERS_KEY: (
        "workers",
        "at most so many workers of pytest-xdist run tests that ask for a heavy module; 0: all (default: 0)",
    ),
    CUDA_WORKERS_KEY: ("workers", "so many tests of all workers use CUDA at once; 0: one for each device (default: 0)"),
    TOLERANCE_KEY: ("bytes", "bytes that a cuda test may leave allocated (default: 0)"),
}

GUARD_MARK = "heavy_guard"
HEAVY_MARK = "heavy"
ISOLATED_MARK = "heavy_isolated"
STUB_MARK = "heavy_stub"
CUDA_MARK = "cuda"
HEAVY_FIXTURES = frozenset({"heavy_module", "cuda_device", "hide_modules"})
"""Those that a test with the mark ``heavy`` asks for, besides the aliases."""
MARKS = frozenset({GUARD_MARK, HEAVY_MARK, ISOLATED_MARK, STUB_MARK, CUDA_MARK})
MARKERS = (
    f'{GUARD_MARK}("off"): lift the guard of pytest-heavyimports for this test, class or module.',
    f"{HEAVY_MARK}(*modules): needs heavy modules; put on each test that asks for one by fixture.",
    f"{ISOLATED_MARK}(method=, group=): run the test in a process of its own; those of one group share it.",
    f'{STUB_MARK}("torch"): a stand-in takes the place of these heavy modules during the test.',
    f'{CUDA_MARK}(devices=1, memory="4GiB", capability=(8, 0)): skip without such CUDA devices; also on cuda_device.',
)


class Settings(Record):
    """What the user asked for, checked."""

    missing: str
    gc: str
    guard: str
    order: str
    runpytest: str
    report: bool
    report_files: tuple[str, ...]
    is_verbose: bool
    budget: tuple[str, ...]
    preload: bool
    defer: bool
    protect: tuple[str, ...]
    xdist_workers: int
    xdist_threads: str
    """``off``, ``auto`` or a number."""
    isolate_timeout: float
    """Seconds."""
    stub: dict[str, str]
    """Who asked for each stand-in, by the module's name."""
    stub_file: str
    stub_update: bool
    isolate: bool
    """Whether each test is isolated, marked or not."""
    warm: bool
    """Whether pytest-xdist's workers are forked from a warm process."""
    cuda_leak: str
    cuda_leak_tolerance: int
    cuda_workers: int
    doctor: str
    """The folder that a run of ``heavyimports doctor`` writes to; empty in any other."""

    @property
    def is_guarded(self) -> bool:
        """Whether the guard acts; for the doctor it only looks on."""
        return self.guard in ("restore", "error")

    @property
    def is_early(self) -> bool:
        """Whether something is to be done before the first conftest file is read."""
        return self.guard != "off" or self.preload or self.defer or bool(self.stub) or self.is_measured

    @property
    def is_measured(self) -> bool:
        """Whether the loading of every module is measured."""
        return bool(self.report_files or self.budget) or (self.guard != "off" and self.is_verbose)


class State:
    """What this plugin knows of one run of pytest."""

    def __init__(self, settings: Settings, faults: list[str], attach: Callable[[Any], None]) -> None:
        self.settings = settings
        self.faults = faults
        """Sentences on settings that can't be read."""
        self.attach = attach
        """Called with the session of heavy modules when it begins: the features of this run attach to it."""
        self.session: Any = None
        """That session, see :mod:`..session`; ``None`` until something is declared or guarded, or a fixture asks."""
        self.is_collected = False
        """Whether tests may run by now, and threads of theirs."""


state_key: pytest.StashKey[State] = pytest.StashKey()
"""In ``config.stash``; set in every run before anything else of ours is done."""


def settings_of(config: pytest.Config) -> Settings:
    """The settings of a run."""
    return config.stash[state_key].settings


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker of pytest-xdist, which sets ``config.workerinput`` in each."""
    return hasattr(config, "workerinput")


def is_distributed(config: pytest.Config) -> bool:
    """Whether this process is the controller of pytest-xdist, which distributes the tests."""
    return bool(getattr(config.option, "dist", "no") != "no")


def add_options(parser: pytest.Parser) -> None:
    """Tell pytest our ini keys and flags. The first of a key's values is its default; a flag goes before the key."""
    group = parser.getgroup("heavyimports", "heavy imports")
    group.addoption("--heavy-isolate", action="store_true", help="run each test in a process of its own")
    limit = "seconds after which an isolated test is ended (default: 300)"
    parser.addini(TIMEOUT_KEY, limit, default="300")
    group.addoption("--heavy-list", action="store_true", help="show the declared heavy modules, and stop")
    for key, (values, what) in CHOICES.items():
        flag = f"--{key.replace('_', '-')}"
        group.addoption(flag, choices=values, help=f"{what} (default: {values[0]})")
        parser.addini(key, f"{what}: {', '.join(values)} (default: {values[0]})", default=values[0])
    defer = "put off imports of the declared modules that are installed packages until an attribute of them is used"
    group.addoption("--heavy-defer", action="store_true", default=None, help=defer)
    parser.addini(DEFER_KEY, f"{defer} (default: false)", type="bool", default=False)
    preload = "import the declared modules that are installed packages before the first conftest.py is read"
    group.addoption("--heavy-preload", action="store_true", default=None, help=preload)
    parser.addini(PRELOAD_KEY, f"{preload} (default: false)", type="bool", default=False)
    parser.addini(
        PROTECT_KEY,
        "more modules that the guard protects, one a line; !name takes one away",
        type="linelist",
        default=[],
    )
    for key, (_, what) in COUNTS.items():
        parser.addini(key, what, default="0")
    threads = "threads of torch, BLAS and OpenMP in each worker of pytest-xdist"
    parser.addini(THREADS_KEY, f"{threads}: auto (processors / workers), a number, off (default: off)", default="off")
    leak = "memory of CUDA devices that a test leaves allocated, and flags and seeds of torch that it leaves changed"
    parser.addini(LEAK_KEY, f"{leak}: {', '.join(LEAK_CHOICES)} (default: off)", default="off")
    stub = "modules that a stand-in takes the place of for the whole run; what needs the real one is skipped"
    group.addoption("--heavy-stub", action="append", metavar="MODULE", help=f"{stub} (repeatable)")
    parser.addini(STUB_KEY, f"{stub}, one a line", type="linelist", default=[])
    parser.addini(STUB_FILE_KEY, "file with the names of real modules, which stand-ins are checked against", default="")
    update = f"write {STUB_FILE_KEY} at the end of this run, from the real modules that it has imported"
    group.addoption("--heavy-stub-update", action="store_true", help=update)
    group.addoption("--heavy-warm", action="store_true", help="pytest-xdist's workers are forked from a warm process")
    ignored = "variables that make no difference to imports, so that a warm process is used whatever they are"
    parser.addini(IGNORE_KEY, f"{ignored}, one a line; * at the end stands for any rest", type="linelist", default=[])
    parser.addini(IDLE_KEY, "seconds until a warm process that nobody uses ends (default: 1800)", default="1800")
    group.addoption(
        "--heavy-report",
        action="append",
        dest="heavy_report_files",
        metavar="PATH",
        help=f"write what imports cost to a file: {', '.join(REPORT_SUFFIXES)} (repeatable)",
    )
    parser.addini(REPORT_KEY, "the section on heavy imports at the end: on, off (default: on)", default="on")
    parser.addini(BUDGET_KEY, "what imports may cost, one a line: torch < 3 s", type="linelist", default=[])
    parser.addini(
        MODULES_KEY,
        "heavy modules, one a line: [alias =] module[:attribute] [version specifiers]",
        type="linelist",
        default=[],
    )


def add_markers(config: pytest.Config) -> None:
    """Tell pytest our marks."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def is_guard_lifted(node: pytest.Collector | pytest.Item) -> bool:
    """Whether a test or a file, or what it lies in, is marked ``heavy_guard("off")``."""
    return node.get_closest_marker(GUARD_MARK) is not None


def marks_of(items: list[pytest.Item]) -> list[tuple[pytest.Item, pytest.Mark]]:
    """Our marks on the tests, and on what they lie in. A look at each test in every run: nothing else is done here."""
    return [(item, mark) for item in items for mark in item.iter_markers() if mark.name in MARKS]


def stub_names(node: pytest.Collector | pytest.Item) -> list[str]:
    """The modules that the marks ``heavy_stub`` of a test, and of what it lies in, ask a stand-in of."""
    return list(dict.fromkeys(name for mark in node.iter_markers(STUB_MARK) for name in mark.args))


def stub_fault(name: object) -> tuple[str, str] | None:
    """Why there can be no stand-in of a module, and what to type instead; ``None`` where there can."""
    if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
        return "it is no module name", "Write it as 'torch' or 'package.module'."
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("pytest", "_pytest", "pluggy", "pytest_heavyimports"):
        return "Python and pytest need it", "Name a heavy module, such as 'torch'."
    return None


def read_settings(config: pytest.Config, given_flags: Namespace) -> tuple[Settings, list[str]]:
    """
    The settings.

    Args:
        config: For the ini file.
        given_flags: The flags: ``config.option``, or ``known_args_namespace`` before that is there.

    Returns:
        The settings, and a sentence on each that can't be read; its default stands in for it.
    """
    faults: list[str] = []

    def choice(key: str, values: tuple[str, ...] = ()) -> str:
        values = values or CHOICES[key][0]
        if given := getattr(given_flags, key, None):
            return str(given)
        value = ini_value(config, key, faults, default=values[0])
        if value in values:
            return str(value)
        faults.append(f"{key}: {value!r} is none of {', '.join(values)} ({ini_source(config, key)}).")
        return values[0]

    def is_on(key: str) -> bool:
        return bool(getattr(given_flags, key, None) or ini_value(config, key, faults, default=False))

    def count(key: str) -> int:
        value = ini_value(config, key, faults, default="0")
        if str(value).isdecimal():
            return int(value)
        faults.append(f"{key}: {value!r} is no number of {COUNTS[key][0]} ({ini_source(config, key)}).")
        return 0

    threads = str(ini_value(config, THREADS_KEY, faults, default="off"))
    if threads not in ("off", "auto") and not (threads.isdecimal() and int(threads)):
        faults.append(
            f"{THREADS_KEY}: {threads!r} is none of auto, off and a number ({ini_source(config, THREADS_KEY)})."
        )
        threads = "off"
    timeout_s = _seconds(limit := ini_value(config, TIMEOUT_KEY, faults, default="300"))
    if timeout_s <= 0:
        faults.append(f"{TIMEOUT_KEY}: {limit!r} is no number of seconds ({ini_source(config, TIMEOUT_KEY)}).")
    stub_flags: list[str] = getattr(given_flags, STUB_KEY, None) or []
    stub = {name: f"--heavy-stub={name}" for name in stub_flags}
    if not stub_flags:
        stub = {str(line): ini_source(config, STUB_KEY) for line in ini_value(config, STUB_KEY, faults, default=[])}
    # A flag of the plugin `doctor.flag_hooks`, which only that command loads.
    doctor: str = getattr(given_flags, "heavy_doctor", None) or ""
    report_files: list[str] = [*(getattr(given_flags, "heavy_report_files", None) or ())]
    if doctor:
        report_files.append(f"{doctor}/report.json")
    settings = Settings(
        missing=choice("heavy_missing"),
        gc=choice("heavy_gc"),
        guard=WATCH if doctor else choice("heavy_guard"),
        order=choice("heavy_order"),
        runpytest=choice("heavy_runpytest"),
        xdist_workers=count(WORKERS_KEY),
        xdist_threads=threads,
        cuda_workers=count(CUDA_WORKERS_KEY),
        cuda_leak_tolerance=count(TOLERANCE_KEY),
        report=choice(REPORT_KEY, REPORT_CHOICES) == "on" and not doctor,
        report_files=tuple(report_files),
        budget=tuple(str(line) for line in ini_value(config, BUDGET_KEY, faults, default=[])),
        preload=is_on(PRELOAD_KEY),
        defer=is_on(DEFER_KEY),
        protect=tuple(str(line) for line in ini_value(config, PROTECT_KEY, faults, default=[])),
        is_verbose=getattr(given_flags, "verbose", 0) > 0,
        cuda_leak=choice(LEAK_KEY, LEAK_CHOICES),
        isolate_timeout=timeout_s,
        stub=stub,
        stub_file=str(ini_value(config, STUB_FILE_KEY, faults, default="")),
        stub_update=bool(getattr(given_flags, "heavy_stub_update", None)),
        isolate=bool(getattr(given_flags, "heavy_isolate", None)),
        warm=bool(getattr(given_flags, "heavy_warm", None)),
        doctor=doctor,
    )
    for name, source in stub.items():
        if fault := stub_fault(name):
            faults.append(f"{STUB_KEY}: {name!r} can't have a stand-in: {fault[0]} ({source}). {fault[1]}")
    for file in settings.report_files:
        if not file.endswith(REPORT_SUFFIXES):
            faults.append(f"--heavy-report: {file!r} ends in none of {', '.join(REPORT_SUFFIXES)}.")
    for line in settings.protect:
        if not all(part.isidentifier() for part in line.removeprefix("!").split(".")):
            where = f"{ini_source(config, PROTECT_KEY)}, line {settings.protect.index(line) + 1} of {PROTECT_KEY}"
            faults.append(f"{PROTECT_KEY}: {line!r} is no module name ({where}). Write it as 'package.module'.")
    return settings, faults


def _seconds(text: object) -> float:
    """The number that is written there; 0 where there is none."""
    try:
        return float(str(text))
    except ValueError:
        return 0


def module_lines(config: pytest.Config, faults: list[str]) -> list[str]:
    """The lines of ``heavy_modules``; a value of the wrong type is told in *faults*."""
    lines = ini_value(config, MODULES_KEY, faults, default=[])
    return [str(line) for line in lines]


def warm_idle_s(config: pytest.Config) -> int:
    """How long a warm process waits for the next run, in seconds."""
    faults: list[str] = []
    value = ini_value(config, IDLE_KEY, faults, default="0")
    if not str(value).isdecimal():
        faults.append(f"{IDLE_KEY}: {value!r} is no number of seconds ({ini_source(config, IDLE_KEY)}).")
    if faults:
        raise pytest.UsageError(*faults)
    return int(value)


def ini_value(config: pytest.Config, key: str, faults: list[str], *, default: Any) -> Any:
    """The value of *key*; one of a type that pytest's native TOML refuses is told in *faults*."""
    try:
        return config.getini(key)
    except (TypeError, ValueError, pytest.UsageError) as error:
        # ValueError: no truth value. TypeError: a wrong type, up to pytest 9.1; after it a UsageError.
        faults.append(f"{key}: {error} ({ini_source(config, key)}).")
        return default


def ini_source(config: pytest.Config, key: str) -> str:
    """Where the value of *key* was written: file and table, or the command line."""
    if any(given.partition("=")[0] == key for given in config.getoption("override_ini", None) or ()):
        return "command line, -o"
    file = config.inipath
    if file is None:
        return "no configuration file"
    if file.suffix == ".cfg":
        table = "tool:pytest"
    elif file.suffix != ".toml" or file.name in ("pytest.toml", ".pytest.toml"):
        table = "pytest"
    elif "[tool.pytest.ini_options]" in file.read_text(encoding="utf-8"):
        table = "tool.pytest.ini_options"
    else:
        table = "tool.pytest"
    try:
        shown = file.relative_to(config.invocation_params.dir)
    except ValueError:
        shown = file
    return f"{shown}, [{table}]"
