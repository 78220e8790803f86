"""CUDA in tests: which devices there are, which of them a process may use, what a test leaves on them."""
