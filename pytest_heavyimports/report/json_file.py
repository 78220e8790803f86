"""The report for machines, as ``report.schema.json`` beside this file describes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..facts.places import Place

if TYPE_CHECKING:
    from .account import Account
    from .model import Node, Report

VERSION = 1
"""Raised where somebody who reads an older one would misunderstand; what is added doesn't raise it."""


def document(report: Report, *, made_by: str, hint: str = "", over_budget: Sequence[str] = ()) -> dict[str, Any]:
    """
    The report in texts, numbers, lists and dicts alone.

    Args:
        report: What is told.
        made_by: The name and version of this package.
        hint: What would have saved most, or an empty text.
        over_budget: A text for each budget that was overdrawn.
    """
    begun_s = min(account.epoch_s for account in report.accounts)
    return {
        "version": VERSION,
        "made_by": made_by,
        "begun_s": begun_s,
        "duration_us": report.duration_us,
        "heavy_us": report.heavy_us,
        "collection_us": report.collection_us,
        "collection_heavy_us": report.collection_heavy_us,
        "hint": hint,
        "over_budget": list(over_budget),
        "modules": _plain(report.modules),
        "packages": _plain(report.packages),
        "tree": _plain(report.merged),
        "processes": [_process(account, report.trees[account.name], begun_s) for account in report.accounts],
    }


def _process(account: Account, tree: Sequence[Node], begun_s: float) -> dict[str, Any]:
    return {
        "name": account.name,
        "begin_us": round((account.epoch_s - begun_s) * 1e6),
        "duration_us": account.duration_us,
        "collection_begin_us": account.collection_begin_us,
        "collection_us": account.collection_us,
        "died": account.died,
        "events": [
            {"event": type(event).__name__.lower(), "at_us": at_us, **_plain(event)} for at_us, event in account.events
        ],
        "tree": [{**_plain(node.load), **{k: v for k, v in _plain(node).items() if k != "load"}} for node in tree],
        "tests": _plain(account.phases),
    }


def _plain(value: Any) -> Any:
    """A record as a dict of its fields; a place has its text, too."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        fields = {name: _plain(field) for name, field in value._asdict().items()}
        return {**fields, "text": str(value)} if isinstance(value, Place) else fields
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value
