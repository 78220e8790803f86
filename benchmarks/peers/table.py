"""The tables, made of what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from .suites import SUITES, TRAPS
from .tools import TOOLS, US, Tool

Results = Mapping[str, Mapping[str, Any]]


def page(results: Results) -> str:
    """Everything that is known, of the tools that were run."""
    tools = [tool for tool in TOOLS if tool.name in results]
    parts = (costs(tools, results), traps(tools, results), wrong(tools, results), told(), versions(tools, results))
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def costs(tools: Sequence[Tool], results: Results) -> Iterator[str]:
    """Seconds and memory, for the 17 tests."""
    yield "Written by `python -m benchmarks.peers`. The 17 tests of a worker, with real torch:"
    yield ""
    columns = [f"{what}, {suite}" for suite in SUITES for what in ("seconds", "memory")]
    yield f"| by | {' | '.join(columns)} | what it does |"
    yield "|" + "---|" * (len(columns) + 2)
    for tool in tools:
        result = results[tool.name]
        cells = [cell for suite in SUITES for cell in _cost(result.get("costs", {}).get(suite), result)]
        yield f"| {shown(tool)} | {' | '.join(cells)} | {tool.purpose} |"


def _cost(cost: Mapping[str, Any] | None, result: Mapping[str, Any]) -> tuple[str, str]:
    if cost is None:
        return (f"not installed: `{result['failed']}`" if "failed" in result else "not measured"), "—"
    if cost["failed"]:
        return f"**wrong:** {cost['failed']}", "—"
    seconds = spread(cost["later"])
    if cost["first"]:
        seconds += f"; the first {spread(cost['first'])}"
    return seconds, f"{cost['peak_bytes'] / 2**20:.0f} MiB"


def spread(seconds: Sequence[float]) -> str:
    """The median, and how far the runs lie apart."""
    return f"{median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


def traps(tools: Sequence[Tool], results: Results) -> Iterator[str]:
    """Right or wrong, by tool and trap."""
    yield f"| by | {' | '.join(trap.name for trap in TRAPS)} |"
    yield "|" + "---|" * (len(TRAPS) + 1)
    for tool in tools:
        found = results[tool.name].get("traps", {})
        cells = ["—" if trap.name not in found else _verdict(found[trap.name]) for trap in TRAPS]
        yield f"| {shown(tool)} | {' | '.join(cells)} |"
    yield ""
    yield "— is not the business of the tool by its own documentation, and was not run. What was wrong, with a line of"
    yield "the output, or nothing where there was none:"


def _verdict(verdict: Mapping[str, str]) -> str:
    return "**wrong**" if verdict["faults"] else "right"


def wrong(tools: Sequence[Tool], results: Results) -> Iterator[str]:
    """How a tool was wrong."""
    for tool in tools:
        for name, verdict in results[tool.name].get("traps", {}).items():
            if verdict["faults"]:
                quotation = f": `{verdict['quoted']}`" if verdict["quoted"] else ""
                yield f"- {shown(tool)}, {name}: {verdict['faults']}{quotation}"


def told() -> Iterator[str]:
    """What the traps are."""
    yield "The traps, and what is right:"
    yield ""
    yield from (f"- **{trap.name}**: {trap.told}" for trap in TRAPS)


def versions(tools: Sequence[Tool], results: Results) -> Iterator[str]:
    """With what it was measured, and when."""
    yield "Seconds are medians of whole runs, the tools by turns, with the fastest and the slowest in brackets. Memory"
    yield "is the most that all processes had at once, what they share counted once (PSS), in a run that is not timed;"
    yield "where a run takes long, the one that is looked at is the only one."
    yield "Where a process stays, the first run starts it, and later ones are those after the second. Used as:"
    yield ""
    yield "| by | version | pytest | used as | on |"
    yield "|---|---|---|---|---|"
    for tool in tools:
        result = results[tool.name]
        if "versions" in result:
            mine, pytest = result["versions"]
            used = f"`{' '.join(('python', *tool.command, *tool.arguments))}`"
            ini = [f"`{line}`" for line in tool.settings.splitlines()]
            ini += [f"`{name}={value}`" for name, value in tool.variables]
            ini += [f"`@pytest.mark.{tool.mark}`"] * ("computed" in tool.traps and tool.mark != Tool.mark)
            yield f"| {shown(tool)} | {mine} | {pytest} | {', '.join([used, *ini])} | {result['date']} |"
    yield ""
    machines = dict.fromkeys(results[tool.name]["machine"] for tool in tools)
    yield "; ".join(machines) + "."


def shown(tool: Tool) -> str:
    """The name of a tool in the tables."""
    return f"{US}: {tool.name}" if tool.distribution == US else tool.name
