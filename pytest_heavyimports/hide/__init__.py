"""Modules that are played "not installed" for one test."""
