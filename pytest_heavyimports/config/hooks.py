"""What an object is that we register with pytest as a plugin."""

from __future__ import annotations


class Hooks:
    """
    A plugin of pytest's: its methods whose names begin with ``pytest_`` are hooks.

    They are all that pytest gets to see. It looks for hooks and for fixtures at each name that ``dir`` gives, and the
    two dozen that every object has would take longer than the registration itself.
    """

    def __dir__(self) -> list[str]:
        """The names of the hooks."""
        return [name for name in vars(type(self)) if name.startswith("pytest_")]
