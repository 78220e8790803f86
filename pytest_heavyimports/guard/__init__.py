"""What may be initialised again, and what becomes of an attempt."""
