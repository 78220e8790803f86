"""The tools that are compared, each used as its own documentation says, and what each of them is for."""

from __future__ import annotations

from dataclasses import dataclass

from ..environments import ROOT

ISOLATES = ("computed", "at import", "habits", "crash", "leak")
STAYS = ("selection", "edited code", "edited conftest", "variable", "new test", "next run")


@dataclass(frozen=True)
class Tool:
    """A way to run a suite."""

    name: str
    distribution: str
    purpose: str
    """What it is for, by its own documentation."""
    arguments: tuple[str, ...] = ()
    """What pytest is given to have all tests run by it."""
    requirements: tuple[str, ...] = ()
    """What is installed, where that is more than the distribution."""
    traps: tuple[str, ...] = ()
    """Those that are its business."""
    mark: str = "by_itself"
    """What gives one test a process of its own, if anything does."""
    settings: str = ""
    command: tuple[str, ...] = ("-m", "pytest")
    """What Python is given."""
    is_resident: bool = False
    """Whether a process stays for the next run."""
    variables: tuple[tuple[str, str], ...] = ()


US = "pytest-heavyimports"
OURS = {"distribution": US, "requirements": ("pytest-xdist", str(ROOT))}
DECLARED = "heavy_modules = torch\n"

TOOLS = (
    Tool("pytest", "pytest", "what all others are compared with", traps=(*ISOLATES, "next run")),
    Tool("pytest-xdist", "pytest-xdist", "several workers, each a new interpreter", ("-n", "2"), traps=("crash",)),
    Tool(
        "pytest-forked",
        "pytest-forked",
        "a fork for each test, so that others survive its death",
        ("--forked",),
        # Under pytest 9.2 it fails every test.
        requirements=("pytest-forked", "pytest<9.2"),
        traps=ISOLATES,
        mark="forked",
    ),
    Tool(
        "pytest-isolated",
        "pytest-isolated",
        "a new interpreter for each test or group",
        ("--isolated",),
        traps=ISOLATES,
        mark="isolated",
    ),
    Tool(
        "pytest-isolate",
        "pytest-isolate",
        "a fork for each test, with limits of time and memory",
        ("--isolate",),
        # Under pytest 9.2, too.
        requirements=("pytest-isolate", "pytest<9.2"),
        traps=ISOLATES,
        # Without a limit, the mark does nothing.
        mark="isolate(timeout=30)",
    ),
    Tool(
        "pytest-zygote",
        "pytest-zygote",
        "several workers, forked after one collection",
        ("--workers", "2"),
        traps=("at import", "crash"),
    ),
    Tool(
        "pytest-fast",
        "pytest-fast",
        "a resident process that has collected, and forks workers for each run",
        ("--fast", "--fast-workers=2", "--fast-ttl=300"),
        traps=("at import", "crash", *STAYS),
        is_resident=True,
        # Which variables of the project end the resident process is to be told; so it is told.
        variables=(("PYTEST_FAST_ENV_PREFIXES", "APP_"),),
    ),
    Tool(
        "pytest-hot-reloading",
        "pytest-hot-reloading",
        "a resident process that runs the tests, and patches edited functions",
        ("-p", "pytest_hot_reloading.plugin", "--daemon-start-if-needed"),
        requirements=("pytest-hot-reloading", "pytest"),  # it requires none
        traps=STAYS,
        # Not the default one, on which somebody else's may listen.
        variables=(("PYTEST_DAEMON_PORT", "48520"),),
        is_resident=True,
    ),
    Tool(
        "guard",
        purpose="nobody initialises torch twice",
        arguments=("--heavy-guard=error",),
        traps=("habits",),
        settings=DECLARED,
        **OURS,
    ),
    Tool(
        "isolation",
        purpose="a fork for each test, of a process that has imported and computed nothing",
        arguments=("--heavy-isolate",),
        traps=ISOLATES,
        mark="heavy_isolated",
        settings=DECLARED + "heavy_preload = true\n",
        **OURS,
    ),
    Tool(
        "warm runs",
        purpose="each run forked from a resident process that has imported",
        traps=("at import", *STAYS),
        command=("-m", "pytest_heavyimports", "run"),
        settings=DECLARED,
        is_resident=True,
        **OURS,
    ),
    Tool(
        "warm workers",
        purpose="pytest-xdist's workers, forked from one process that has imported",
        arguments=("-n", "2", "--heavy-warm"),
        traps=("at import", "crash"),
        settings=DECLARED,
        **OURS,
    ),
)
