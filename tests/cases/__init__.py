"""Suites that break, each after a failure that somebody has reported, and some in which nothing may change."""
