"""What a suite suffers from, and what helps: ``heavyimports doctor``."""
