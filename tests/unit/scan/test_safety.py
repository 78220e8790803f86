"""Which imports stay where they are, and what is said of them."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan.safety import Safety, is_barrier
from pytest_heavyimports.scan.source import fixtures_in

from .checks import source


def objection(text: str, **options: object) -> str:
    """Of the first heavy import in a function; about its place, then about its names."""
    file = source(text)
    heavy = next(each for each in file.heavy_sites if each.site.is_in_function)
    safety = Safety(file, **options)  # type: ignore[arg-type]
    return safety.objection(heavy) or safety.objection_to_name(heavy.site)


@pytest.mark.parametrize(
    "text",
    [
        "def test_it():\n    import torch\n    assert torch\n",
        "import torch\n\ndef test_it():\n    import torch\n    assert torch\n",
        "import torch.nn\n\ndef test_it():\n    import torch\n    assert torch\n",
        "@pytest.fixture\ndef model(tmp_path):\n    from app.worker import run\n    return run()\n",
        "class TestIt:\n    def test_it(self):\n        x = 1\n        import torch as t\n        return t\n",
        "if TYPE_CHECKING:\n    import torch\n\ndef test_it():\n    import torch\n    assert torch\n",
        "def helper():\n    import torch\n    return torch\n\ndef test_it():\n    helper()\n",
        "def test_it(monkeypatch):\n    import torch\n    monkeypatch.setenv('A', '1')\n    torch.ones(1)\n",
        "@pytest.mark.parametrize('x', [1])\n@pytest.mark.slow\ndef test_it(x):\n    import torch\n    assert torch\n",
        "def test_it():\n    import torch\n    assert torch\n\ndef test_other(torch):\n    assert torch\n",
    ],
)
def test_nothing_is_said_against_plain_imports(text: str) -> None:
    """In tests, fixtures and helpers, with parameters, marks and what comes after."""
    assert objection(text) == ""


BODY = "    import torch\n    assert torch\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def test_it():\n    torch = pytest.importorskip('torch')\n", "importorskip() is no import statement"),
        ("def test_it():\n    if x:\n        import torch\n        torch\n", "it stands under 'if'"),
        (
            "def test_it():\n    try:\n        import torch\n    except ImportError:\n        pass\n",
            "it stands under 'try'",
        ),
        ("def test_it():\n    with x:\n        import torch\n        torch\n", "it stands under 'with'"),
        (
            "def test_it():\n    def inner():\n        import torch\n        torch\n",
            "it stands in a function or class inside of a function",
        ),
        ("def test_it(): import torch; torch.ones(1)\n", "it shares its line with another statement"),
        ("def test_it():\n    x = 1; import torch\n    torch\n", "it shares its line with another statement"),
        (f"def pytest_configure():\n{BODY}", "it stands in a hook of pytest"),
        (f"def test_lazy_loading():\n{BODY}", "the test seems to be about importing"),
        ("def test_it():\n    '''Doc.'''\n    import torch\n", "the test seems to be about importing"),
        (
            f"def test_it():\n{BODY}    with pytest.raises(ImportError):\n        pass\n",
            "the test seems to be about importing",
        ),
        (
            f"def work():\n{BODY}\ndef test_it():\n    Process(target=work)\n",
            "'work' is handed on, and may run elsewhere",
        ),
        (f"@pytest.mark.skipif(True)\ndef test_it():\n{BODY}", "it is done only where @pytest.mark.skipif lets it"),
        (
            "@require_torch\nclass TestIt:\n    def test_it(self):\n        import torch\n        torch\n",
            "it is done only where @require_torch lets it",
        ),
        (f"@mock.patch('app.worker.run')\ndef test_it(run):\n{BODY}", "it is done under @mock.patch"),
        (f"@patch.dict(os.environ)\ndef test_it():\n{BODY}", "it is done under @patch.dict"),
        (
            f"pytestmark = pytest.mark.skipif(True)\n\ndef test_it():\n{BODY}",
            "it is done only where pytestmark lets it",
        ),
        (
            f"pytestmark = [pytest.mark.heavy_stub('numpy')]\n\ndef test_it():\n{BODY}",
            "it is done under pytestmark",
        ),
        (
            "class TestIt:\n    pytestmark = pytest.mark.heavy_stub('numpy')\n\n"
            "    def test_it(self):\n        import torch\n        torch\n",
            "it is done under pytestmark",
        ),
        (f"def test_it():\n    os.environ['A'] = '1'\n{BODY}", "os.environ in line 2 comes before it"),
        (
            f"def test_it(monkeypatch):\n    monkeypatch.setenv('A', '1')\n{BODY}",
            "monkeypatch.setenv() in line 2 comes before it",
        ),
        (f"def test_it():\n    if slow:\n        pytest.skip()\n{BODY}", "line 2 may skip the test before it"),
        (
            f"@pytest.fixture\ndef env(monkeypatch):\n    monkeypatch.setenv('A', '1')\n\n@pytest.fixture\ndef app(env):\n    pass\n\ndef test_it(app):\n{BODY}",
            "monkeypatch.setenv() in fixture 'env' comes before it",
        ),
        (
            f"@pytest.fixture(autouse=True)\ndef env():\n    os.environ['A'] = '1'\n\ndef test_it():\n{BODY}",
            "os.environ in fixture 'env' comes before it",
        ),
        (
            "class TestIt:\n    def setup_method(self):\n        os.environ['A'] = '1'\n\n    def test_it(self):\n        import torch\n        torch\n",
            "os.environ in setup_method comes before it",
        ),
        (
            f"def test_it():\n{BODY}\ndef test_other():\n    importlib.reload(x)\n",
            "the file reloads modules, or changes sys.modules",
        ),
        (
            f"try:\n    import torch as t\nexcept ImportError:\n    t = None\n\ndef test_it():\n{BODY}",
            "the file is made to work without 'torch' (line 2)",
        ),
        (f"def test_it():\n{BODY}    torch = 1\n", "'torch' is bound in another way in test_it"),
        (f"def test_it():\n    global torch\n{BODY}", "'torch' is bound in another way in test_it"),
        (f"torch = 1\n\ndef test_it():\n{BODY}", "'torch' is something else at the top of the file (line 1)"),
        (
            f"def torch():\n    pass\n\ndef test_it():\n{BODY}",
            "'torch' is something else at the top of the file (line 1)",
        ),
        (f"import numpy as torch\n\ndef test_it():\n{BODY}", "'torch' is something else in line 1"),
        (
            "def test_it():\n    from app.worker import run\n    run()\n\ndef test_other():\n    from app.model import run\n    run()\n",
            "'run' is something else in line 6",
        ),
        ("def test_it():\n    from torch import sum\n    sum()\n", "'sum' would hide the built-in"),
        (
            "def test_it():\n    from app.worker import test_data\n    test_data\n",
            "pytest would take 'test_data' for a test",
        ),
        (
            "def test_it():\n    from app.worker import TestClient\n    TestClient\n",
            "pytest would take 'TestClient' for a test",
        ),
        (
            "def test_it():\n    from app.worker import pytest_plugins\n    pytest_plugins\n",
            "pytest would take 'pytest_plugins' for its own",
        ),
        (
            f"from x import *\n\ndef test_it():\n{BODY}\ndef test_other():\n    torch\n",
            "'torch' may be something else by 'import *'",
        ),
    ],
)
def test_what_would_change_its_meaning_stays(text: str, reason: str) -> None:
    """With the reason."""
    assert objection(text) == reason


def test_fixtures_of_conftest_files_count() -> None:
    """They are set up before the test, too."""
    outer = fixtures_in(source("@pytest.fixture\ndef env():\n    os.environ['A'] = '1'\n"))
    text = f"def test_it(env):\n{BODY}"
    assert objection(text, outer_fixtures=outer) == "os.environ in fixture 'env' comes before it"
    assert objection(text) == ""


def test_a_module_that_imports_the_file_is_left_alone() -> None:
    """It would be imported half."""
    text = "def test_it():\n    from app.worker import run\n    run()\n"
    assert objection(text, importers={"app.worker"}) == "it would be a circular import"
    assert objection(text, importers={"app.model"}) == ""


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("os.environ['A'] = '1'", True),
        ("torch = pytest.importorskip('torch')", True),
        ("if x:\n    pytest.skip(allow_module_level=True)", True),
        ("sys.path.insert(0, '.')", True),
        ("import torch", False),
        ("X = 1", False),
        ("def f():\n    os.environ['A'] = '1'", False),
    ],
)
def test_imports_stay_after_what_they_depend_on(statement: str, expected: bool) -> None:
    """What is done at the top of the file before them."""
    assert is_barrier(source(statement).tree.body[0]) is expected
