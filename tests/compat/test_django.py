"""Beside pytest-django, which imports the settings before any conftest, orders tests, and makes a database."""

from __future__ import annotations

import pytest

from ..support.guarded import AFTERWARDS, MODES, Guarded, failures, told
from .others import needs

pytestmark = needs("pytest_django")
DJANGO = ("-p", "pytest_django.plugin", "--ds=site_settings")
SETTINGS = """
    import sys

    {first}
    SECRET_KEY = "x"
    USE_TZ = True
    DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {name!r}}}}}
    INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
    """
MEMORY = ":memory:"


@pytest.fixture
def site(guarded: Guarded) -> Guarded:
    """A Django project whose settings import the heavy module."""
    guarded.suite.write("site_settings.py", SETTINGS.format(first="import plainpkg", name=MEMORY))
    return guarded


@pytest.mark.parametrize("how", [(), ("--heavy-preload",), ("--heavy-defer",)])
def test_settings_that_import_it(site: Guarded, how: tuple[str, ...]) -> None:
    """It is imported once, and whoever throws it out is refused a second one."""
    site.suite.tests("import sys\n\ndef test_it(plainpkg, settings):\n    del sys.modules['plainpkg']\n", "test_a.py")
    site.suite.tests(AFTERWARDS, "test_z.py")
    result = site.run("error", *DJANGO, *how)
    assert told(result) == ["test_a.py::test_it: left plainpkg displaced: put back"]
    assert failures(result) == ["ERROR test_a.py::test_it"]
    assert site.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize("mode", MODES)
def test_settings_that_throw_it_out(guarded: Guarded, mode: str) -> None:
    """What happens before collection is told in the report, and nobody fails."""
    throw_out = 'import plainpkg; del sys.modules["plainpkg"]'
    guarded.suite.write("site_settings.py", SETTINGS.format(first=throw_out, name=MEMORY))
    guarded.suite.tests(AFTERWARDS)
    result = guarded.run(mode, *DJANGO)
    result.assert_outcomes(passed=1)
    assert told(result) == ["before collection: left plainpkg displaced: put back"]
    assert guarded.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize("name", [MEMORY, "site.sqlite3"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_isolated_tests_have_a_database(guarded: Guarded, method: str, name: str) -> None:
    """Each process makes its own where the run has none yet; what a test writes is seen by nobody else."""
    guarded.suite.write("site_settings.py", SETTINGS.format(first="", name=name))
    guarded.suite.tests(
        f"""
        import pytest

        pytestmark = pytest.mark.django_db

        def write():
            from django.contrib.auth.models import User
            User.objects.create(username="ada")
            assert User.objects.count() == 1

        @pytest.mark.heavy_isolated(method="{method}")
        def test_a(plainpkg): write()

        @pytest.mark.heavy_isolated(method="{method}")
        def test_b(): write()

        def test_c(): write()

        @pytest.mark.heavy_isolated(method="{method}")
        def test_d(plainpkg): write()

        def test_e(): write()
        """
    )
    guarded.run("error", *DJANGO).assert_outcomes(passed=5)


def test_light_tests_come_first_in_its_order(guarded: Guarded) -> None:
    """Among light tests and among heavy ones its order is kept: those with a database before those without."""
    guarded.suite.declare("plainpkg", heavy_order="light-first")
    guarded.suite.write("site_settings.py", SETTINGS.format(first="", name=MEMORY))
    guarded.suite.tests(
        """
        import pytest

        def test_heavy(plainpkg): pass

        @pytest.mark.django_db
        def test_heavy_with_database(plainpkg): pass

        def test_light(): pass

        @pytest.mark.django_db
        def test_light_with_database(): pass
        """
    )
    result = guarded.run("error", *DJANGO, "-v")
    result.stdout.fnmatch_lines(
        [
            "*::test_light_with_database PASSED*",
            "*::test_light PASSED*",
            "*::test_heavy_with_database PASSED*",
            "*::test_heavy PASSED*",
        ]
    )
