"""One line of ``heavy_modules`` to one :class:`HeavyModule`; many lines to all that is declared."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, NamedTuple

from ..facts.names import is_dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .sources import Line

# Fixtures of pytest itself, 8.2 to 9.2, and of this plugin; a test compares them with `pytest --fixtures`.
RESERVED = frozenset(
    (
        "cache capfd capfdbinary caplog capsys capsysbinary capteesys doctest_namespace linecomp LineMatcher "
        "monkeypatch pytester pytestconfig record_property record_testsuite_property record_xml_attribute recwarn "
        "request subtests testdir tmp_path tmp_path_factory tmpdir tmpdir_factory "
        "cuda_device heavy_module heavy_stub hide_modules import_probe"
    ).split()
)

# A method's first argument, which pytest doesn't take for a fixture.
OF_METHODS = ("self", "cls")

_OPERATORS = (">=", "<=", "==", "!=", ">", "<")
_ENDS_REFERENCE = "=<>!~"


class HeavyModule(NamedTuple):
    """A declared heavy module, or an object in one."""

    alias: str
    """The name of its fixture."""
    fullname: str
    attributes: str = ""
    """Dotted, as in the object reference of an entry point; empty for the module itself."""
    specifiers: str = ""
    """Version specifiers, such as ``">= 2.4"``; empty where any version will do."""
    line: str = ""
    """As it was written."""
    source: str = ""
    """Where it was written: file, table and line."""

    @property
    def reference(self) -> str:
        """``module`` or ``module:attribute``."""
        return f"{self.fullname}:{self.attributes}" if self.attributes else self.fullname

    def __str__(self) -> str:
        return f"{self.line!r} ({self.source})"


Fault = tuple[str, str]
"""Why a line can't be used, and what to type instead."""


def parse_line(line: str, source: str = "") -> HeavyModule:
    """
    Read ``[alias =] module[:attribute[.attribute]] [version specifiers]``; a ``#`` begins a comment.

    Raises:
        InvalidDeclaration: The line is no such thing; ``fault`` says what is wrong and ``remedy`` what to type.
    """
    __tracebackhide__ = True
    if isinstance(line, str):
        line = _without_comment(line)
        read = _read(line, source)
    else:
        read = f"it is no text, but of type {type(line).__name__}", "Write it as 'numpy' or 'package.module:attribute'."
    if isinstance(read, HeavyModule):
        return read
    from ..errors import InvalidDeclaration  # most runs raise nothing

    fault, remedy = read
    raise InvalidDeclaration(line, fault=fault, remedy=remedy)


def _without_comment(line: str) -> str:
    return line.partition("#")[0].strip()


def _read(line: str, source: str) -> HeavyModule | Fault:
    alias, reference, specifiers = _split(line)
    fullname, colon, attributes = reference.partition(":")
    if not is_dotted(fullname) or (colon and not is_dotted(attributes)):
        return _bad_reference(reference, alias)
    if specifiers and not _is_specifier(specifiers):
        return _bad_specifier(specifiers, reference if alias is None else f"{alias} = {reference}")
    if alias is None:
        alias = (attributes or fullname).rpartition(".")[2]
    if not alias.isidentifier() or keyword.iskeyword(alias):
        better = f"{_better_alias(alias)} = {reference} {specifiers}".rstrip()
        return (f"{alias!r} can't be the name of a fixture", f"Write it as '{better}'.")
    return HeavyModule(alias, fullname, attributes, specifiers, line, source)


def _split(line: str) -> tuple[str | None, str, str]:
    """Alias, reference and specifiers, with no regular expression: compiling one takes longer than all else here."""
    before, equals, rest = line.partition("=")
    alias: str | None = before.rstrip()
    if not equals or rest.startswith("=") or any(sign in before for sign in _ENDS_REFERENCE):
        alias, rest = None, line
    rest = rest.lstrip()
    signs = (number for number, sign in enumerate(rest) if sign.isspace() or sign in _ENDS_REFERENCE)
    end = next(signs, len(rest))
    return alias, rest[:end], rest[end:].strip()


def _better_alias(alias: str) -> str:
    """The identifier that is nearest to *alias*."""
    better = re.sub(r"\W+", "_", alias).strip("_") or "alias"
    if keyword.iskeyword(better):
        return f"{better}_"
    return better if better.isidentifier() else f"_{better}"


def _bad_specifier(specifiers: str, declared: str) -> Fault:
    if specifiers[0].isalpha():
        remedy = "Write one module a line, as 'np = numpy' or 'torch >= 2.4'."
    else:
        version = re.search(r"\d+(?:\.\d+)*", specifiers)
        remedy = f"Write it as '{declared} >= {version[0] if version else '1.0'}'."
    return (f"{specifiers!r} is no version specifier", remedy)


def _bad_reference(reference: str, alias: str | None) -> Fault:
    prefix = "" if alias is None else f"{alias} = "
    if not reference:
        return ("it names no module", f"Write it as '{prefix or 'np = '}numpy'.")
    file, colon, attributes = reference.partition(":")
    dotted = re.sub(r"\.py$", "", file).strip("./").replace("/", ".") + colon + attributes
    if ("/" in file or file.endswith(".py")) and is_dotted(dotted.replace(":", ".")):
        remedy = f"Write it as '{prefix}{dotted}'."
    elif alias and reference[0].isdigit():
        remedy = f"Write it as '{alias} == {reference}'."
    elif colon:
        remedy = f"Write it as '{prefix}module:attribute'."
    else:
        remedy = "Name the module that tests import, not the distribution that pip installs ('cv2', 'sklearn')."
    return (f"{reference!r} is no module or module:attribute", remedy)


def _is_specifier(text: str) -> bool:
    if all(map(_is_plain, text.split(","))):
        return True  # what most people write; packaging takes some milliseconds to import
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # some milliseconds

    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def _is_plain(specifier: str) -> bool:
    specifier = specifier.strip()
    operator = next(filter(specifier.startswith, _OPERATORS), specifier)
    parts = specifier.removeprefix(operator).lstrip().split(".")
    return all(part.isascii() and part.isdecimal() for part in parts)


def read_declarations(lines: Iterable[Line]) -> tuple[dict[str, HeavyModule], list[str]]:
    """
    Every declared heavy module by its alias, in the order of declaration.

    Returns:
        The modules, and a sentence on each line that can't be used.
    """
    faults: list[str] = []
    declared: dict[str, HeavyModule] = {}
    for text, source in lines:
        line = _without_comment(text)
        module = _read(line, source)
        if not isinstance(module, HeavyModule):
            fault, remedy = module
            faults.append(f"heavy_modules: {line!r} can't be read: {fault} ({source}). {remedy}")
            continue
        other = declared.get(module.alias)
        if module.alias in RESERVED:
            faults.append(
                f"heavy_modules: {module} would hide the fixture {module.alias!r}. "
                f"Write it as 'heavy_{module.alias} = {module.reference}'."
            )
        elif module.alias in OF_METHODS:
            faults.append(
                f"heavy_modules: {module} would be asked for as {module.alias!r}, which is the object or class in a "
                f"method. Write it as 'heavy_{module.alias} = {module.reference}'."
            )
        elif other is None:
            declared[module.alias] = module
        elif other.reference == module.reference:
            declared[module.alias] = merge(other, module)
        else:
            faults.append(
                f"heavy_modules: {module.alias!r} is given twice: {other} and {module}. Give one of them another alias."
            )
    return declared, faults


def merge(first: HeavyModule, second: HeavyModule) -> HeavyModule:
    """One declaration for two of the same thing under the same alias: the versions must satisfy both."""
    if not second.specifiers or second.specifiers == first.specifiers:
        return first
    if not first.specifiers:
        return second
    both = f"{first.specifiers},{second.specifiers}"
    return second._replace(specifiers=both, source=f"{second.source}; and {first.source}")
