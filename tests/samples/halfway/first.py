"""The half that works."""
