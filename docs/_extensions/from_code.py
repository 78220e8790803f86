"""
The reference, made from the code: a comment in a page, such as ``<!-- from the code: settings -->``, becomes that part.

Settings and marks come from ``options.py``, fixtures and errors from their docstrings, commands from their parsers, the
report's keys from its JSON Schema, the picture of the house from the rows that import-linter keeps.
"""

from __future__ import annotations

import ast
import html
import inspect
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomllib
from sphinx.errors import ExtensionError

import pytest_heavyimports
from pytest_heavyimports import cli, errors, fixtures, hookspecs
from pytest_heavyimports.config import options
from pytest_heavyimports.probe import probe

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PACKAGE = Path(pytest_heavyimports.__file__).parent
PROJECT = Path(__file__).parents[2] / "pyproject.toml"
PLACE = re.compile(r"^<!-- from the code: (?P<part>[\w-]+) -->$", re.MULTILINE)
SCHEMA = Path(pytest_heavyimports.__file__).parent / "report" / "report.schema.json"
PLUGINS = Path(__file__).parents[1] / "other-plugins.json"
GUIDES = {
    "heavy_modules": "declaring",
    "heavy_list": "declaring",
    "heavy_missing": "fixtures",
    "heavy_gc": "fixtures",
    "heavy_guard": "guard",
    "heavy_protect": "guard",
    "heavy_preload": "guard",
    "heavy_order": "light-tests",
    "heavy_defer": "light-tests",
    "heavy_xdist_workers": "light-tests",
    "heavy_xdist_threads": "light-tests",
    "heavy_stub": "stand-ins",
    "heavy_stub_file": "stand-ins",
    "heavy_stub_update": "stand-ins",
    "heavy_cuda_leak": "cuda",
    "heavy_cuda_leak_tolerance": "cuda",
    "heavy_cuda_workers": "cuda",
    "heavy_runpytest": "plugin-suites",
    "heavy_isolate": "isolation",
    "heavy_isolate_timeout": "isolation",
    "heavy_warm": "warm",
    "heavy_warm_idle": "warm",
    "heavy_warm_ignore": "warm",
    "heavy_report": "report",
    "heavy_budget": "report",
}
"""Where each setting is explained: a new one must be given a place."""
SET_BY_PYTEST = ("run",)
"""Commands that pass their arguments on: pytest has the parser."""


@dataclass
class Setting:
    """An ini key, a flag, or both of one name."""

    key: str = ""
    flag: str = ""
    key_help: str = ""
    flag_help: str = ""
    values: str = ""
    default: str = ""
    is_repeatable: bool = False


@dataclass
class Recorder:
    """Takes the place of pytest's parser, and remembers what it is told."""

    settings: dict[str, Setting] = field(default_factory=dict)

    def getgroup(self, name: str, description: str) -> Recorder:
        """The group is this as well."""
        return self

    def addoption(self, flag: str, **given: Any) -> None:
        """A flag."""
        setting = self._of(flag.lstrip("-").replace("-", "_"))
        setting.flag = flag if given.get("action") == "store_true" else f"{flag}={given.get('metavar', '')}"
        setting.flag_help = given["help"]
        setting.is_repeatable = given.get("action") == "append"

    def addini(self, key: str, text: str, type: str = "string", default: Any = None) -> None:  # noqa: A002  # pytest's name
        """An ini key."""
        setting = self._of(key)
        setting.key, setting.key_help = key, text
        setting.values = {"linelist": "one a line", "bool": "`true`, `false`"}.get(type, unit(key, text))
        setting.default = "empty" if default == [] else f"`{str(default).lower()}`"

    def _of(self, name: str) -> Setting:
        return self.settings.setdefault(name, Setting())


def unit(key: str, text: str) -> str:
    """What a number counts, where the value is one."""
    counted, _ = options.COUNTS.get(key, ("seconds" if text.startswith("seconds") else "", ""))
    return counted


def choices(key: str) -> tuple[str, ...]:
    """The values that a key may have, where these are few."""
    more = {options.REPORT_KEY: options.REPORT_CHOICES, options.LEAK_KEY: options.LEAK_CHOICES}
    return options.CHOICES[key][0] if key in options.CHOICES else more.get(key, ())


def settings() -> Iterator[str]:
    """All of them at a glance, and each with its help, as ``options.py`` tells pytest."""
    recorder = Recorder()
    options.add_options(recorder)  # type: ignore[arg-type]  # it is asked for no more than this
    known = sorted(recorder.settings.items())
    yield "| ini key | flag | values | default |"
    yield "|---|---|---|---|"
    for name, setting in known:
        values = ", ".join(f"`{value}`" for value in choices(name)) or setting.values
        key = f"[`{setting.key}`](#{anchor(name)})" if setting.key else ""
        flag = f"`{cell(setting.flag)}`{' (repeatable)' if setting.is_repeatable else ''}" if setting.flag else ""
        if not setting.key:
            flag = f"[{flag}](#{anchor(name)})"
        yield f"| {key} | {flag} | {values} | {setting.default} |"
    yield ""
    for name, setting in known:
        yield f"({anchor(name)})="
        title = setting.key or setting.flag
        yield f"## `{title}`"
        yield ""
        yield f"{sentence(setting.key_help or setting.flag_help)}"
        yield ""
        if setting.key and setting.flag:
            same = setting.flag_help in setting.key_help or setting.key_help.startswith(
                setting.flag_help.split(" (")[0]
            )
            yield f"Flag: `{setting.flag}`" + ("." if same else f": {sentence(setting.flag_help)}")
            yield ""
        yield f"Explained in [the guide](../guide/{GUIDES[name]}.md)."
        yield ""


def marks() -> Iterator[str]:
    """As ``pytest --markers`` tells them."""
    for marker in options.MARKERS:
        signature, _, text = marker.partition(": ")
        name = signature.partition("(")[0]
        yield from (f"(mark-{name.replace('_', '-')})=", f"## `@pytest.mark.{signature}`", "", sentence(text), "")


def fixture_list() -> Iterator[str]:
    """The fixtures that are there in every run, by their docstrings."""
    for name, definition in vars(fixtures).items():
        marker = getattr(definition, "_fixture_function_marker", None)  # pytest's own, from 8.4 on
        if marker is None:
            continue
        yield from (f"(fixture-{name.replace('_', '-')})=", f"## `{name}`", "", f"Scope: {marker.scope}.", "")
        yield from inspect.getdoc(inspect.unwrap(definition)).splitlines()  # type: ignore[union-attr]  # each has one
        yield ""


def error_list() -> Iterator[str]:
    """Everything public that is raised or warned with; each at the anchor that is its ``slug``."""
    classes = [getattr(pytest_heavyimports, name) for name in pytest_heavyimports.__all__]
    found = [each for each in classes if isinstance(each, type) and each.__name__ in vars(errors)]
    for each in sorted(found, key=lambda one: (one is not errors.HeavyImportsError, one.__name__)):
        yield from (f"({each.slug})=", f"## {each.__name__}", "")
        yield from rst(
            f".. autoexception:: pytest_heavyimports.{each.__name__}", "   :class-doc-from: both", "   :no-index-entry:"
        )


def public_types() -> Iterator[str]:
    """What fixtures give."""
    for each in (probe.ImportProbe, probe.ImportTime):
        each.__module__ = probe.__name__  # where autodoc finds the texts of the attributes
        yield from (f"## {each.__name__}", "")
        yield from rst(f".. autoclass:: pytest_heavyimports.probe.probe.{each.__name__}()", "   :members:")


def hooks() -> Iterator[str]:
    """The hooks that others may implement."""
    for name in sorted(dir(hookspecs.HookSpecs())):
        yield from rst(f".. autofunction:: pytest_heavyimports.hookspecs.HookSpecs.{name}")


def plugins() -> Iterator[str]:
    """Which modes give the same outcomes beside which other plugins, as ``tests/compat/test_modes.py`` has found."""
    table = json.loads(PLUGINS.read_text(encoding="utf-8"))
    modes = ("guard", "defer", "stub", "isolate", "warm")
    yield f"| plugin | version | {' | '.join(modes)} |"
    yield f"|---|---|{'---|' * len(modes)}"
    for name, row in table.items():
        words = ("same" if row[mode] else "**differs**" if mode in row else "" for mode in modes)
        yield f"| {name} | {row['version']} | {' | '.join(words)} |"
    yield ""


def commands() -> Iterator[str]:
    """The command's own help, and that of each sub-command."""
    yield from ("```text", cli.usage(), "```", "")
    for name, (_, what) in cli.COMMANDS.items():
        yield from (f"(command-{name})=", f"## `heavyimports {name}`", "", sentence(what), "")
        if name in SET_BY_PYTEST:
            yield from ("All arguments are pytest's.", "")
        else:
            yield from ("```text", help_of(name), "```", "")


def help_of(command: str) -> str:
    """What ``heavyimports COMMAND --help`` prints."""
    printed = io.StringIO()
    os.environ["COLUMNS"] = "88"  # argparse asks for the width of the terminal, if any
    with redirect_stdout(printed), suppress(SystemExit):
        cli.main([command, "--help"])
    return printed.getvalue().rstrip()


def schema() -> Iterator[str]:
    """The keys of the report's JSON, by its schema."""
    described = json.loads(SCHEMA.read_text(encoding="utf-8"))
    yield from (sentence(described["description"]), "")
    yield from keys(described)
    for name, definition in described["$defs"].items():
        if "properties" not in definition:
            continue
        yield from (f"(report-{name})=", f"## {name}", "")
        yield from (sentence(definition["description"]), "") if "description" in definition else ()
        yield from keys(definition)
        for each in definition.get("oneOf", ()):
            yield from (f"### `{each['properties']['event']['const']}`", "", sentence(each["description"]), "")
            yield from keys(each)


def keys(described: dict[str, Any]) -> Iterator[str]:
    """The table of an object's keys."""
    yield "| key | type | |"
    yield "|---|---|---|"
    for name, what in described["properties"].items():
        optional = "" if name in described.get("required", ()) else "Optional. "
        yield f"| `{name}` | {kind(what)} | {optional}{cell(what.get('description', ''))} |"
    yield ""


def kind(what: dict[str, Any]) -> str:
    """A type of JSON Schema in a word or two."""
    if "$ref" in what:
        name = what["$ref"].rpartition("/")[2]
        plain = {"us": "microseconds", "bytes": "bytes, or null", "importer": "number of a load, or -1"}
        return plain.get(name) or f"[{name}](#report-{name})"
    if "const" in what:
        return f"`{json.dumps(what['const'])}`"
    if "enum" in what:
        return ", ".join(f"`{json.dumps(value)}`" for value in what["enum"])
    if "anyOf" in what:
        return " or ".join(kind(each) for each in what["anyOf"])
    if what.get("type") == "array":
        return f"list of {kind(what['items'])}"
    types = what["type"]
    return " or ".join(types) if isinstance(types, list) else str(types)


def house() -> Iterator[str]:
    """The rows of the house, as import-linter keeps them: in each box what lies in it, its first line as a tooltip."""
    contract = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
    row_px, width_px, label_px = 34, 980, 7
    rows = [layer.split(" | ") for layer in contract["layers"]]
    svg = []
    for number, row in enumerate(rows):
        y = number * (row_px + 12)
        widths = [len(name) * label_px + 18 for name in row]
        gap = (width_px - sum(widths)) / (len(row) + 1)
        x = gap
        for name, wide in zip(row, widths, strict=True):
            kind = "folder" if (PACKAGE / name).is_dir() else "file"
            svg += [
                f'<g class="{kind}"><title>{html.escape(what_is(name))}</title>',
                f'<rect x="{x:.0f}" y="{y}" width="{wide}" height="{row_px}" rx="4"/>',
                f'<text x="{x + wide / 2:.0f}" y="{y + row_px / 2 + 5}">{name}</text></g>',
            ]
            x += wide + gap
    height_px = len(rows) * (row_px + 12)
    label = "The rows of the house, from the top: " + "; ".join(", ".join(row) for row in rows)
    yield from (
        "```{raw} html",
        f'<svg class="house" role="img" aria-label="{label}" viewBox="0 0 {width_px} {height_px}">{"".join(svg)}</svg>',
        "```",
        "",
    )


def what_is(name: str) -> str:
    """The first line of a module of ours, and for a folder its files."""
    place = PACKAGE / name
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    first = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    files = ", ".join(sorted(each.stem for each in place.glob("*.py") if each.stem != "__init__"))
    return f"{first} {files}".strip()


def rst(*lines: str) -> Iterable[str]:
    """A directive of reStructuredText in a page of Markdown."""
    return ("```{eval-rst}", *lines, "```", "")


def sentence(text: str) -> str:
    """A help text as a sentence of its own."""
    text = text.strip()
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""


def cell(text: str) -> str:
    """Text in a table."""
    return text.replace("|", "\\|")


def anchor(name: str) -> str:
    """Of a setting, by its name."""
    return f"setting-{name.replace('_', '-')}"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "settings": settings,
    "marks": marks,
    "fixtures": fixture_list,
    "errors": error_list,
    "types": public_types,
    "hooks": hooks,
    "plugins": plugins,
    "commands": commands,
    "schema": schema,
    "house": house,
}


def fill_in(app: Sphinx, name: str, source: list[str]) -> None:
    """Put each part where a page asks for it."""

    def made(place: re.Match[str]) -> str:
        part = place["part"]
        if part not in PARTS:
            raise ExtensionError(f"{name}: {part!r} is none of {', '.join(PARTS)}")
        return "\n".join(PARTS[part]())

    source[0] = PLACE.sub(made, source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True}
