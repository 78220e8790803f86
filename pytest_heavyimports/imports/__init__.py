"""The import system: the only room that touches ``sys.meta_path``, ``importlib.reload`` and the garbage collector."""
