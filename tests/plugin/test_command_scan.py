"""``heavyimports scan``."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..support.commands import call_command, run_command

if TYPE_CHECKING:
    from ..support.suite import Suite

MARKER = "open('imported', 'w').close()\n"


@pytest.fixture
def worker(suite: Suite) -> Suite:
    """A suite whose code under test imports ``heavy`` by a chain; whoever imports anything of it leaves a file."""
    suite.declare("heavy", pythonpath="lib")
    suite.write("lib/heavy.py", MARKER)
    suite.write("lib/app/__init__.py", MARKER)
    suite.write("lib/app/model.py", "import heavy\n")
    suite.write("lib/app/worker.py", "from . import model\n")
    suite.write("lib/app/lazy.py", "def run():\n    import heavy\n")
    suite.write("conftest.py", MARKER)
    suite.write("tests/test_light.py", "from app import lazy\n\ndef test_one(): pass\ndef test_two(): pass\n")
    suite.write("tests/test_worker.py", "def test_run():\n    from app.worker import model\n")
    return suite


def test_each_finding_has_place_rule_and_chain(worker: Suite) -> None:
    """Then why it is told and what to do, then the sums; nothing of the user's code is imported."""
    done = run_command(worker.path, "scan")
    assert done.out == [
        "tests/test_worker.py:2:5: function-import: 'app.worker' is imported in test test_run: "
        "tests/test_worker.py → app.worker → app.model → heavy",
        "",
        "function-import: Whichever test comes first pays for the import, under whatever that test has patched, timed or "
        "put in place.",
        "  Import it at the top of the file, or take it by fixture: heavyimports fix, heavyimports fix --to fixture.",
        "",
        "1 finding; 0 of 3 files heavy, 1 of 3 test functions heavy",
    ]
    assert done.status == 1
    assert done.err == []
    assert not (worker.path / "imported").exists()


def test_a_light_suite_has_status_0(worker: Suite) -> None:
    """Its files are counted."""
    done = call_command(worker.path, "scan", "tests/test_light.py")
    assert done.out == ["no finding; 0 of 1 file heavy, 0 of 2 test functions heavy"]
    assert done.status == 0


def test_a_chain_goes_on_through_a_module_beside_the_packages(worker: Suite) -> None:
    """A file by itself, that packages of the code under test import, is no package of somebody else."""
    worker.write("lib/heavy.py", "import torch\n")
    done = call_command(worker.path, "scan", "--module", "torch")
    assert done.err == []
    assert done.out[0].endswith(": tests/test_worker.py → app.worker → app.model → heavy → torch")


def test_what_lies_below_a_heavy_conftest_is_heavy(worker: Suite) -> None:
    """The conftest file is found, and the files below it count."""
    worker.write("tests/conftest.py", "import app.worker\n")
    done = call_command(worker.path, "scan")
    assert done.out[0].startswith(
        "tests/conftest.py:1:1: heavy-conftest: 'app.worker' is imported for every test below"
    )
    assert done.out[-1] == "2 findings; 3 of 4 files heavy, 1 of 3 test functions heavy"


def test_heavy_fixtures_of_conftest_files_make_tests_heavy(worker: Suite) -> None:
    """Whoever asks for one needs what it imports."""
    worker.write("conftest.py", "import pytest\n\n@pytest.fixture\ndef net():\n    import heavy\n    return heavy\n")
    worker.write("tests/test_net.py", "def test_net(net): pass\ndef test_alias(heavy): pass\n")
    done = call_command(worker.path, "scan", "tests/test_net.py")
    assert done.out == ["no finding; 0 of 1 file heavy, 2 of 2 test functions heavy"]


def test_a_stand_in_of_one_module_leaves_the_others_heavy(worker: Suite) -> None:
    """A chain leads to one of those that are imported, if there is any; what has none is light."""
    worker.write("lib/app/model.py", "import heavy\nimport plain\n")
    worker.write(
        "tests/test_worker.py",
        """
        import pytest

        @pytest.mark.heavy_stub("heavy")
        def test_one():
            from app.worker import model

        @pytest.mark.heavy_stub("heavy", "plain")
        def test_both():
            from app.worker import model
        """,
    )
    done = call_command(worker.path, "scan", "--module", "heavy", "--module", "plain")
    assert [line for line in done.out if "→" in line] == [
        "tests/test_worker.py:5:5: function-import: 'app.worker' is imported in test test_one: "
        "tests/test_worker.py → app.worker → app.model → plain",
    ]
    assert done.out[-1] == "1 finding; 0 of 3 files heavy, 1 of 4 test functions heavy"
    worker.write("lib/app/model.py", "import heavy\n")
    done = call_command(worker.path, "scan", "--module", "heavy", "--module", "plain")
    assert done.out == ["no finding; 0 of 3 files heavy, 0 of 4 test functions heavy"]


def test_another_way_to_the_real_module_than_through_the_stand_in(worker: Suite) -> None:
    """The test pays all the same, and the chain is that way."""
    worker.write("lib/app/other.py", "import heavy\n")
    worker.write("lib/app/worker.py", "from app import model\nimport app.other\n")
    worker.write(
        "tests/test_worker.py",
        """
        import pytest

        @pytest.mark.heavy_stub("app.model")
        def test_it():
            import app.worker

        @pytest.mark.heavy_stub("app.model", "app.other")
        def test_none():
            import app.worker
        """,
    )
    done = call_command(worker.path, "scan", "--module", "heavy")
    assert [line.partition(": ")[2] for line in done.out if "→" in line] == [
        "function-import: 'app.worker' is imported in test test_it: "
        "tests/test_worker.py → app.worker → app.other → heavy",
    ]


@pytest.mark.parametrize("line", ["app.model", "app:model", "worker = app.worker:model"])
def test_a_declared_module_that_imports_what_a_stand_in_is_for(worker: Suite, line: str) -> None:
    """It is heavy by that alone; where it imports something else, or there is no stand-in, it is as heavy as before."""
    worker.declare("heavy", "plain", line, pythonpath="lib")
    if ":model" in line:
        worker.write("lib/app/__init__.py", "from . import model\n")
    worker.write(
        "tests/test_worker.py",
        """
        import pytest

        @pytest.mark.heavy_stub("heavy")
        def test_one():
            from app.worker import model

        @pytest.mark.heavy_stub("heavy")
        def test_two():
            from app import model

        @pytest.mark.heavy_stub("plain")
        def test_three():
            from app import model
        """,
    )
    done = call_command(worker.path, "scan", "tests/test_worker.py")
    assert [line.split(":")[1] for line in done.out if "is imported in test" in line] == ["13"]
    worker.write("lib/app/model.py", "import heavy\nimport plain\n")
    done = call_command(worker.path, "scan", "tests/test_worker.py")
    assert [line.split(":")[1] for line in done.out if "is imported in test" in line] == ["5", "9", "13"]


def test_a_stand_in_for_every_run_leaves_nothing_heavy(worker: Suite) -> None:
    """By the configuration; a module that is named on the command line is looked for all the same."""
    worker.declare("heavy", pythonpath="lib", heavy_stub="heavy")
    worker.write("tests/test_alias.py", "def test_alias(heavy): pass\n")
    done = call_command(worker.path, "scan")
    assert done == (0, ["no finding; 0 of 4 files heavy, 0 of 4 test functions heavy"], [])
    assert call_command(worker.path, "scan", "--module", "heavy").status == 1


def test_json_has_everything(worker: Suite) -> None:
    """With a version of its own, reasons and remedies, and each file."""
    done = call_command(worker.path, "scan", "--format", "json")
    told = json.loads("\n".join(done.out))
    assert told["version"] == 1
    assert told["totals"] == {"files": 3, "heavy_files": 0, "tests": 3, "heavy_tests": 1}
    (finding,) = told["findings"]
    assert finding["why"]
    assert finding["remedy"]
    assert {key: finding[key] for key in ("rule", "file", "line", "column", "chain", "seconds")} == {
        "rule": "function-import",
        "file": "tests/test_worker.py",
        "line": 2,
        "column": 5,
        "chain": ["tests/test_worker.py", "app.worker", "app.model", "heavy"],
        "seconds": None,
    }
    assert told["files"]["tests/test_light.py"] == {"is_heavy": False, "light_tests": 2, "heavy_tests": 0, "fault": ""}


def test_github_gets_annotations(worker: Suite) -> None:
    """One a finding, in the grammar of workflow commands."""
    done = call_command(worker.path, "scan", "--format=github")
    (line,) = done.out
    assert line.startswith(
        "::warning file=tests/test_worker.py,line=2,col=5,title=heavyimports function-import::'app.worker' is imported"
    )


def test_a_report_tells_the_seconds(worker: Suite) -> None:
    """A file that a run has written: what the first link of the chain took that it knows."""
    worker.write("lib/heavy.py", "import time\n\ntime.sleep(0.25)\n")
    assert worker.run("--heavy-report=report.json").ret == 0
    (told,) = (line for line in call_command(worker.path, "scan", "--report", "report.json").out if "→" in line)
    seconds = re.search(r"app\.model → heavy \((\d\.\d\d) s\)$", told)
    assert seconds
    assert float(seconds[1]) >= 0.25
    worker.write("report.json", "[]")
    done = call_command(worker.path, "scan", "--report", "report.json")
    assert done.status == 2
    assert done.err[0].startswith("heavyimports scan: 'report.json' is no report of --heavy-report: ")


def test_a_second_scan_takes_the_results_of_the_first(worker: Suite) -> None:
    """As long as file, chains and configuration are the same."""
    first = call_command(worker.path, "scan")
    cache = worker.path / ".pytest_cache" / "d" / "heavyimports" / "scan.json"
    kept = json.loads(cache.read_text(encoding="utf-8"))
    kept["tests/test_worker.py"][1][0][0][3] = "from the cache"
    cache.write_text(json.dumps(kept), encoding="utf-8")
    assert "function-import: from the cache: " in call_command(worker.path, "scan").out[0]
    worker.write("lib/app/worker.py", "import heavy\n")
    assert call_command(worker.path, "scan").out[0] == first.out[0].replace(" → app.model", "")
    worker.write("tests/test_worker.py", "# moved\ndef test_run():\n    from app.worker import model\n")
    assert call_command(worker.path, "scan").out[0].startswith("tests/test_worker.py:3:5: ")
    cache.write_text("[]", encoding="utf-8")
    assert call_command(worker.path, "scan").out[0].startswith("tests/test_worker.py:3:5: ")


def test_many_files_are_scanned_by_several_processes(worker: Suite) -> None:
    """With the same findings, in the order of names."""
    for number in range(250):
        worker.write(f"tests/test_{number:03}.py", "import heavy\n\ndef test_a(): pass\ndef test_b(): heavy\n")
    done = run_command(worker.path, "scan")
    places = [line.partition(": ")[0] for line in done.out if ": mixed-file: 'heavy'" in line]
    assert places == [f"tests/test_{number:03}.py:1:1" for number in range(250)]
    assert done.out[-1] == "251 findings; 250 of 253 files heavy, 251 of 503 test functions heavy"


def test_a_file_that_is_no_python_is_told(worker: Suite) -> None:
    """The others are looked at."""
    worker.write("tests/test_broken.py", "import heavy\ndef test_it(:\n")
    done = call_command(worker.path, "scan")
    assert done.err == ["tests/test_broken.py: can't be read: invalid syntax (line 2)"]
    assert done.out[-1] == "1 finding; 0 of 4 files heavy, 1 of 3 test functions heavy"


def test_a_package_that_is_no_python_is_told(worker: Suite) -> None:
    """Its imports can't be followed; the others' are."""
    worker.write("lib/bad/__init__.py", "import (\n")
    worker.write("tests/test_bad.py", "import bad\n")
    done = call_command(worker.path, "scan")
    assert len(done.err) == 1
    assert done.err[0].startswith("the imports of 'bad' can't be followed: ")
    assert done.out[0].startswith("tests/test_worker.py:2:5: function-import: ")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nowhere"], "heavyimports scan: 'nowhere' is not there."),
        (
            ["--module", "x >> 2"],
            "heavyimports scan: heavy_modules: 'x >> 2' can't be read: '>> 2' is no version specifier (--module). Write it "
            "as 'x >= 2'.",
        ),
    ],
)
def test_wrong_usage_has_status_2(worker: Suite, arguments: list[str], error: str) -> None:
    """One line says what is wrong."""
    done = call_command(worker.path, "scan", *arguments)
    assert done.err == [error]
    assert done.out == []
    assert done.status == 2


def test_nothing_declared_is_wrong_usage(suite: Suite) -> None:
    """It says what to type; a module can be named on the command line."""
    suite.write("pytest.ini", "[pytest]\n")
    suite.tests("def test_it():\n    import heavy\n")
    done = call_command(suite.path, "scan")
    assert done.status == 2
    assert done.err == [
        "heavyimports scan: no heavy module is declared. Write heavy_modules = torch into pytest.ini, or name one: --module "
        "torch."
    ]
    assert call_command(suite.path, "scan", "--module", "heavy").status == 1


def test_what_the_configuration_would_import_is_not(worker: Suite) -> None:
    """Plugins of addopts and of variables, classes of filters, required plugins, preloaded modules."""
    worker.declare(
        "heavy",
        pythonpath="lib",
        addopts="-p app --strict-config",
        filterwarnings="error::app.Warn",
        required_plugins="pytest-nowhere",
        heavy_preload="true",
        heavy_guard="error",
    )
    done = run_command(worker.path, "scan", PYTEST_PLUGINS="app", PYTEST_ADDOPTS="-p app")
    assert done.out[-1] == "1 finding; 0 of 3 files heavy, 1 of 3 test functions heavy"
    assert not (worker.path / "imported").exists()


def test_without_the_extra_it_says_what_to_install(worker: Suite) -> None:
    """For each of the commands, before anything is read."""
    text = "import sys\n\nsys.modules['grimp'] = sys.modules['libcst'] = None\n"
    hiding = worker.write("site/sitecustomize.py", text).parent
    fault = "grimp and libcst are not installed. Type pip install 'pytest-heavyimports[scan]'."
    for command in ("scan", "fix", "split"):
        done = run_command(worker.path, command, PYTHONPATH=str(hiding))
        assert done == (2, [], [f"heavyimports {command}: {fault}"])


def test_a_folder_that_cannot_be_written_to_is_scanned(worker: Suite) -> None:
    """Nothing is kept then."""
    worker.write(".pytest_cache", "a file")
    assert call_command(worker.path, "scan").out[-1] == "1 finding; 0 of 3 files heavy, 1 of 3 test functions heavy"


def test_the_console_script_is_the_same_command(worker: Suite) -> None:
    """It is installed beside the interpreter."""
    script = shutil.which("heavyimports", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("the distribution is not installed with its scripts")
    assert worker._pytester.run(script, "scan", "tests/test_light.py").ret == 0


# A baseline


@pytest.fixture
def frozen(worker: Suite) -> Suite:
    """A suite whose finding stands in a baseline."""
    done = call_command(worker.path, "scan", "--baseline", "known.json")
    assert (done.status, done.err) == (0, ["known.json: written, 1 known from now on"])
    assert done.out == ["no finding; 0 of 3 files heavy, 1 of 3 test functions heavy"]
    return worker


def test_what_a_baseline_has_is_not_reported(frozen: Suite) -> None:
    """The file is small enough to be read by people, and says how often something is there."""
    known = json.loads((frozen.path / "known.json").read_text(encoding="utf-8"))
    assert known == {
        "version": 1,
        "findings": [
            {
                "rule": "function-import",
                "file": "tests/test_worker.py",
                "scope": "test_run",
                "statement": "from app.worker import model",
                "count": 1,
            }
        ],
    }
    done = call_command(frozen.path, "scan", "--baseline", "known.json")
    assert (done.status, done.err) == (0, ["known.json: 1 known"])
    assert call_command(frozen.path, "scan").status == 1


def test_moved_and_reformatted_lines_are_known(frozen: Suite) -> None:
    """By the function and the statement: the number of the line is another one, and so is the layout."""
    text = "import os\n\n\ndef test_run():\n    from app.worker import (  # as it was\n        model,\n    )\n"
    frozen.write("tests/test_worker.py", text)
    assert call_command(frozen.path, "scan", "--baseline", "known.json").status == 0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def test_run():\n    from app.worker import model\ndef test_new():\n    from app.worker import model\n", 4),
        ("def test_run():\n    from app.worker import model\n    from app.worker import model\n", 3),
        ("def test_run():\n    from app.worker import model\n    from app import model\n", 3),
        ("class TestA:\n    def test_run(self):\n        from app.worker import model\n", 3),
    ],
)
def test_what_is_new_is_reported(frozen: Suite, text: str, line: int) -> None:
    """In another function, by another statement, or once more."""
    frozen.write("tests/test_worker.py", text)
    done = call_command(frozen.path, "scan", "--baseline", "known.json", "--format", "json")
    assert done.status == 1
    assert [finding["line"] for finding in json.loads("\n".join(done.out))["findings"]] == [line]


def test_what_is_gone_is_told(frozen: Suite) -> None:
    """But not of files that were not scanned."""
    frozen.write("tests/test_worker.py", "def test_run(): pass\n")
    gone = "known.json: 0 known, 1 no longer there: delete it to write a new one"
    assert call_command(frozen.path, "scan", "--baseline", "known.json").err == [gone]
    some = call_command(frozen.path, "scan", "--baseline", "known.json", "tests/test_light.py")
    assert some.err == ["known.json: 0 known"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<<<<<<< HEAD\n", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "list indices must be integers or slices, not str"),
        ("{}", "'version' is missing"),
        ('{"version": 2, "findings": []}', "it has version 2, and 1 is needed"),
        ('{"version": 1, "findings": [{"rule": "reload"}]}', "'file' is missing"),
        (
            '{"version": 1, "findings": [{"rule": 1, "file": "", "scope": "", "statement": "", "count": 1}]}',
            "{'rule': 1, 'file': '', 'scope': '', 'statement': '', 'count': 1} is not a finding",
        ),
    ],
)
def test_a_damaged_baseline_is_refused(worker: Suite, text: str, fault: str) -> None:
    """With the fault, and what to do; it is not written anew."""
    file = worker.write("known.json", text)
    done = call_command(worker.path, "scan", "--baseline", "known.json")
    remedy = "Get it back from version control, or delete it to write a new one."
    assert done == (2, [], [f"heavyimports scan: 'known.json' is not a baseline that can be read: {fault}. {remedy}"])
    assert file.read_text(encoding="utf-8").strip() == text.strip()


def test_a_baseline_that_cannot_be_written_is_refused(worker: Suite) -> None:
    """There is no such folder."""
    done = call_command(worker.path, "scan", "--baseline", "gone/known.json")
    fault = "'gone/known.json' can't be written: No such file or directory."
    assert (done.status, done.err) == (2, [f"heavyimports scan: {fault}"])
