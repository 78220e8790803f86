"""The benchmarks: what is compared, and why."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from .machinery import MODULE, PLUGIN, Benchmark, Side, other_plugins

# None of them is imported by pytest or by the tests below.
TEN_DECLARED = """\
heavy_modules =
    torch >= 2.4
    np = numpy >= 1.26
    F = torch.nn.functional
    networkx
    sympy
    redis
    sqlite3
    minidom = xml.dom.minidom
    pool = multiprocessing.pool:Pool
    tkinter
"""

PIPELINE = Path(__file__).parent.parent / "examples" / "worker_pipeline"
LIGHT_TESTS = "import pytest\nfrom src.api.schemas import TaskStatus\n\n\n" + "\n\n".join(
    f"def test_light_{number}():\n    assert TaskStatus('completed') is TaskStatus.COMPLETED\n" for number in range(300)
)
SELECTION = ("-k", "light")
TORCH_AT_THE_TOP = "import torch\nimport torch.nn as nn\nimport numpy as np\n"
CODE_AT_THE_TOP = "from src.worker import pipeline\n"

# The same helper without torch, so that the tests are the same, too: what is left is what pytest and they take.
DISTANCES = """
def _code_points(text):
    return [ord(char) for char in unicodedata.normalize("NFC", text)]


def _edit_distances(refs, hyps):
    return [_edit_distance(ref, hyp) for ref, hyp in zip(refs, hyps)]


def _edit_distance(ref, hyp):
    row = list(range(len(hyp) + 1))
    for number, char in enumerate(ref, 1):
        left, corner, row[0] = number, row[0], number
        for column, other in enumerate(hyp, 1):
            left = min(left + 1, row[column] + 1, corner + (char != other))
            corner, row[column] = row[column], left
    return row[-1]
"""
# All that the tests ask of torch itself.
TORCH = """
bfloat16 = "bfloat16"


def get_default_dtype():
    return None


def set_default_dtype(dtype):
    pass
"""

ONE_TEST = """\
def test_nothing():
    pass
"""


def start_up(directory: Path, environment: Mapping[str, str]) -> Benchmark:
    """
    One trivial test and nothing declared: what everybody pays who has the plugin installed.

    The plugin is found by its entry point, as with users, and blocked by ``-p no:`` on the other side. All other
    plugins that happen to be installed are blocked on both sides.
    """
    return _start_up("start-up", 1.02, directory, environment, settings="")


def start_up_declared(directory: Path, environment: Mapping[str, str]) -> Benchmark:
    """
    The same with ten modules declared, two of them with a version, and none used.

    The configuration of the other side lacks the key: it would make pytest warn of a key that it does not know, which
    takes time.
    """
    return _start_up("start-up, ten modules declared", 1.05, directory, environment, settings=TEN_DECLARED)


def many_tests(directory: Path, environment: Mapping[str, str]) -> Benchmark:
    """5,000 trivial tests and nothing declared: the plugin must cost nothing per test."""
    return _many_tests("5000 trivial tests", directory, environment, settings="")


def many_tests_guarded(directory: Path, environment: Mapping[str, str]) -> Benchmark:
    """The same with ten modules declared and the guard on: what it looks at around each test."""
    settings = f"{TEN_DECLARED}heavy_guard = error\n"
    name = "5000 trivial tests, declared and guarded"
    return _many_tests(name, directory, environment, settings=settings, limit=1.25)


def one_torch_test(directory: Path, environment: Mapping[str, str]) -> Benchmark:
    """
    A run of one test that uses torch: by the fixture with ``heavy_gc = freeze``, against an import in the test.

    What is saved is the work of the garbage collector, during the import and when the interpreter ends.
    """
    body = "    assert torch.ones(2).sum() == 2\n"
    return Benchmark(
        "one test that uses torch",
        judged="wall",
        limit=0.85,
        pairs=9,
        plugin=_side(
            directory / "plugin",
            environment,
            test=f"def test_sum(torch):\n{body}",
            settings="heavy_modules = torch\nheavy_gc = freeze\n",
            arguments=("-p", MODULE),
        ),
        without=_side(directory / "without", environment, test=f"def test_sum():\n    import torch\n\n{body}"),
    )


def light_tests_by_mark(directory: Path, environment: Mapping[str, str]) -> Benchmark:
    """
    The worker pipeline and 300 light tests, of which ``-m "not heavy"`` selects the light ones.

    The other side has the same tests in a pipeline without torch, and no plugin: it selects them by ``-k light``.
    """
    return _light_tests("300 light tests, -m 'not heavy'", directory, environment, arguments=("-m", "not heavy"))


def light_tests_deferred(directory: Path, environment: Mapping[str, str]) -> Benchmark:
    """
    The same with torch and numpy at the top of the light tests' own file, and of the code under test.

    ``-k light`` is on both sides.
    """
    return _light_tests_of_torch("--heavy-defer", directory, environment)


def light_tests_stubbed(directory: Path, environment: Mapping[str, str]) -> Benchmark:
    """The same with a stand-in for torch."""
    return _light_tests_of_torch("--heavy-stub=torch", directory, environment)


def take_torch_away(suite: Path) -> None:
    """Make a copy of the worker pipeline one that imports no torch, with the same tests."""
    pipeline = suite / "src" / "worker" / "pipeline.py"
    pipeline.write_text(pipeline.read_text("utf-8").partition("\ndef _code_points")[0] + DISTANCES, "utf-8")
    (suite / "torch.py").write_text(TORCH, "utf-8")


CASES: tuple[Callable[[Path, Mapping[str, str]], Benchmark], ...] = (
    start_up,
    start_up_declared,
    many_tests,
    many_tests_guarded,
    one_torch_test,
    light_tests_by_mark,
    light_tests_deferred,
    light_tests_stubbed,
)


def _start_up(name: str, limit: float, directory: Path, environment: Mapping[str, str], *, settings: str) -> Benchmark:
    others = tuple(argument for plugin in other_plugins() for argument in ("-p", f"no:{plugin}"))
    no_plugin = (*others, "-p", f"no:{PLUGIN}")
    return Benchmark(
        name,
        judged="CPU",
        limit=limit,
        pairs=61,
        plugin=_side(
            directory / "plugin", environment, test=ONE_TEST, settings=settings, arguments=others, autoload=True
        ),
        without=_side(directory / "without", environment, test=ONE_TEST, arguments=no_plugin, autoload=True),
    )


def _many_tests(
    name: str, directory: Path, environment: Mapping[str, str], *, settings: str, limit: float = 1.01
) -> Benchmark:
    tests = "\n\n".join(f"def test_{number}():\n    pass\n" for number in range(5000))
    return Benchmark(
        name,
        judged="CPU",
        limit=limit,
        pairs=11,
        plugin=_side(directory / "plugin", environment, test=tests, settings=settings, arguments=("-p", MODULE)),
        without=_side(directory / "without", environment, test=tests),
    )


def _light_tests(
    name: str,
    directory: Path,
    environment: Mapping[str, str],
    *,
    arguments: tuple[str, ...],
) -> Benchmark:
    plugin, without = directory / "plugin", directory / "without"
    for place in (plugin, without):
        shutil.copytree(PIPELINE, place, ignore=shutil.ignore_patterns("__pycache__"))
        (place / "tests" / "test_light.py").write_text(LIGHT_TESTS, encoding="utf-8")
    take_torch_away(without)
    (without / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n', encoding="utf-8")
    environment = {**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    common = ("-p", "no:cacheprovider")
    return Benchmark(
        name,
        judged="CPU",
        limit=1.05,
        pairs=31,
        plugin=Side(plugin, (*common, "-p", MODULE, "--heavy-guard=off", *arguments), environment),
        without=Side(without, (*common, *SELECTION), environment),
    )


def _light_tests_of_torch(flag: str, directory: Path, environment: Mapping[str, str]) -> Benchmark:
    """Light tests in a file that imports torch, and the code under test, at its top."""
    name = f"300 light tests, {flag} -k light"
    benchmark = _light_tests(name, directory, environment, arguments=(flag, *SELECTION))
    for side, head in ((benchmark.plugin, TORCH_AT_THE_TOP + CODE_AT_THE_TOP), (benchmark.without, CODE_AT_THE_TOP)):
        (side.directory / "tests" / "test_light.py").write_text(head + LIGHT_TESTS, "utf-8")
    return benchmark


def _side(
    directory: Path,
    environment: Mapping[str, str],
    *,
    test: str,
    settings: str = "",
    arguments: tuple[str, ...] = (),
    autoload: bool = False,
) -> Side:
    """
    Write a suite of one file.

    Without *autoload*, pytest looks for no installed plugins, on either side; with it there is a cache, as with users.
    """
    directory.mkdir(parents=True)
    (directory / "pytest.ini").write_text(f"[pytest]\n{settings}", encoding="utf-8")
    (directory / "test_suite.py").write_text(test, encoding="utf-8")
    if not autoload:
        arguments = ("-p", "no:cacheprovider", *arguments)
        environment = {**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return Side(directory, arguments, environment)
