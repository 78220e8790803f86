"""Deferred imports: a heavy module is loaded when one of its attributes is first used."""
