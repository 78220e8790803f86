"""What of a conftest file must come before the packages that are preloaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_heavyimports.preload.preload import comes_first

FIRST = {
    "gevent": "from gevent import monkey\nmonkey.patch_all()",
    "a part of gevent": "import gevent.monkey\ngevent.monkey.patch_socket()",
    "eventlet": "import eventlet\neventlet.monkey_patch()",
    "typeguard": "from typeguard import install_import_hook\ninstall_import_hook('app')",
    "jaxtyping": "import jaxtyping\nhook = jaxtyping.install_import_hook('app', 'typeguard.typechecked')",
    "a finder": "import sys\nsys.meta_path.insert(0, object())",
    "a variable": "import os\nos.environ['OMP_NUM_THREADS'] = '1'",
    "a variable by name": "from os import environ\nenviron['OMP_NUM_THREADS'] = '1'",
    "a default": "import os\nos.environ.setdefault('OMP_NUM_THREADS', '1')",
    "some": "import os\nos.environ |= {'OMP_NUM_THREADS': '1'}",
    "one less": "import os\ndel os.environ['OMP_NUM_THREADS']",
    "handed on": "import os\nset_up(os.environ)",
    "putenv": "import os\nos.putenv('A', 'b')",
    "a patch": "import pytest\npytest.MonkeyPatch().setenv('A', 'b')",
    "in a hook": "def pytest_configure(config):\n    import os\n    os.environ['A'] = 'b'",
    "in a function": "import os\ndef set_up():\n    os.environ['A'] = 'b'\nset_up()",
    "under a condition": "import os\nif True:\n    with open('x'):\n        os.environ['A'] = 'b'",
    "in a module": "import setting_up",
    "in a part of a package": "from helpers import setting_up",
    "in a package": "import helpers.early.late",
}
SECOND = {
    "nothing": "",
    "reading": "import os\nCI = os.environ.get('CI') or os.environ['HOME'] or 'A' in os.environ or os.environ.copy()",
    "a fixture": "import os, pytest\n@pytest.fixture\ndef set_up():\n    os.environ['A'] = 'b'",
    "an asynchronous fixture": "import os, pytest\n@pytest.fixture()\nasync def set_up():\n    os.environ['A'] = 'b'",
    "a function of a module": "import helpers.late",
    "a fake": "import sys\nfrom unittest.mock import patch, MagicMock\nsys.modules['torch'] = MagicMock()",
    "what isn't there": "import notinstalled, json, pytest",
    "no Python": "import (",
}


@pytest.fixture
def conftest(tmp_path: Path) -> Path:
    """A conftest file of a project with some modules."""
    early = "import os\n\nos.environ['A'] = 'b'\n"
    late = "import os\n\ndef set_up():\n    os.environ['A'] = 'b'\n"
    for file, text in {
        "setting_up.py": early,
        "helpers/__init__.py": "",
        "helpers/setting_up.py": early,
        "helpers/early/late.py": early,
        "helpers/late.py": late,
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    return tmp_path / "conftest.py"


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST)
def test_itcomes_first(conftest: Path, text: str) -> None:
    """What replaces the standard library, changes what is imported, or sets a variable."""
    conftest.write_text(text)
    assert comes_first(conftest, [conftest.parent])


@pytest.mark.parametrize("text", SECOND.values(), ids=SECOND)
def test_the_packages_come_first(conftest: Path, text: str) -> None:
    """Where nothing of the kind is done before the tests."""
    conftest.write_text(text)
    assert not comes_first(conftest, [conftest.parent])
