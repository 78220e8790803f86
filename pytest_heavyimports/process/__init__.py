"""Processes: how one is forked, started, ended."""
