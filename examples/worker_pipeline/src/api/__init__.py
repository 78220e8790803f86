"""What the HTTP side and the worker share. Nothing in here imports a heavy module."""
