"""Stand-ins for heavy modules."""
