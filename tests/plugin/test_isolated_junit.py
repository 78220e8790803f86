"""``--junitxml``: what the fixtures give an isolated test's file is there as without isolation."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite

TESTS = """
    import pytest

    alone = {how}

    @pytest.fixture(scope="session")
    def of_the_session(record_testsuite_property):
        record_testsuite_property("before", 0)
        yield
        record_testsuite_property("after", "<&>")

    @alone
    def test_alone(record_testsuite_property, record_property, record_xml_attribute, of_the_session):
        record_testsuite_property("suite", "alone")
        record_property("own", 1)
        record_xml_attribute("mark", "seen")

    def test_here(record_testsuite_property):
        record_testsuite_property("suite", "here")
    """


@pytest.mark.filterwarnings("ignore:.*record_xml_attribute")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_same_file(suite: Suite, method: str) -> None:
    """Properties of the suite and of a test, and attributes of a test."""
    found = {}
    for how in ("lambda function: function", f'pytest.mark.heavy_isolated(method="{method}")'):
        suite.tests(TESTS.format(how=how))
        suite.run("--junitxml=found.xml", "-o", "junit_family=xunit1").assert_outcomes(passed=2, warnings=1)
        (written,) = ET.parse(suite.path / "found.xml").getroot()
        properties = [tuple(each.attrib.values()) for each in written.iter("property")]
        cases = {case.attrib["name"]: case.get("mark") for case in written.iter("testcase")}
        found[how] = sorted(properties), cases
    plain, isolated = found.values()
    assert isolated == plain
    assert plain[1] == {"test_alone": "seen", "test_here": None}
    assert len(plain[0]) == 5
