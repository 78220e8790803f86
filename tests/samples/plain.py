"""A module that nobody protects."""
