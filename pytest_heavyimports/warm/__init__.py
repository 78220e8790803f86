"""Processes that have the heavy modules imported already, and fork a child for each run or worker that asks."""
