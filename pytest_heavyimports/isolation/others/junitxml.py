"""pytest's own file for JUnit: what fixtures give it for the file beside the reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...config.private import junit_writer, stand_for_junit_writer

if TYPE_CHECKING:
    import pytest

_FIELD = "heavyimports_xml"
"""Of a report on its way."""


class _Noted:
    """Stands for pytest's ``LogXML`` in the process of a test, as far as fixtures ask for it."""

    def __init__(self, family: str) -> None:
        self.family = family
        """The setting ``junit_family``, by which the fixtures warn."""
        self._properties: list[tuple[str, str]] = []
        self._attributes: list[tuple[str, str]] = []

    def add_global_property(self, name: str, value: object) -> None:
        """Of ``record_testsuite_property``."""
        self._properties.append((name, str(value)))

    def node_reporter(self, _: object) -> _Noted:
        """Of ``record_xml_attribute``: there is one test."""
        return self

    def add_attribute(self, name: str, value: object) -> None:
        """Of ``record_xml_attribute``."""
        self._attributes.append((str(name), str(value)))

    def take(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """What there is since this was last asked."""
        noted = self._properties, self._attributes
        self._properties, self._attributes = [], []
        return noted


def is_used(config: pytest.Config) -> bool:
    """Whether this process writes such a file at the end."""
    return junit_writer(config) is not None


def note_elsewhere(config: pytest.Config) -> None:
    """Note, in the process of a test, what is for the file."""
    stand_for_junit_writer(config, _Noted(config.getini("junit_family")))


def attach(config: pytest.Config, report: pytest.TestReport) -> None:
    """Put what has been noted on a report."""
    noted = junit_writer(config)
    if isinstance(noted, _Noted):
        setattr(report, _FIELD, noted.take())


def detach(config: pytest.Config, report: pytest.TestReport) -> None:
    """Give the file what a report has brought."""
    properties, attributes = vars(report).pop(_FIELD, ((), ()))
    for name, value in properties:
        junit_writer(config).add_global_property(name, value)
    for name, value in attributes:
        junit_writer(config).node_reporter(report).add_attribute(name, value)
