"""Arithmetic on dotted module names."""

from __future__ import annotations

from collections.abc import Iterator


def root(fullname: str) -> str:
    """The top-level name: ``"torch"`` of ``"torch.nn.functional"``."""
    return fullname.partition(".")[0]


def is_within(fullname: str, package: str) -> bool:
    """Whether *fullname* is *package* or a module under it; ``"torchvision"`` is not within ``"torch"``."""
    return fullname == package or fullname.startswith(f"{package}.")


def lineage(fullname: str) -> Iterator[str]:
    """The name itself and its parents, innermost first: ``"a.b.c"``, ``"a.b"``, ``"a"``."""
    while fullname:
        yield fullname
        fullname = fullname.rpartition(".")[0]


def is_dotted(text: str) -> bool:
    """Whether *text* can be an absolute module name or a dotted attribute: identifiers with dots between them."""
    return all(part.isidentifier() for part in text.split("."))
