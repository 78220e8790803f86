"""The cases are suites of their own, for an inner pytest alone."""

from __future__ import annotations

from pathlib import Path

collect_ignore = [str(file.parent) for file in Path(__file__).parent.glob("*/case.json")]
