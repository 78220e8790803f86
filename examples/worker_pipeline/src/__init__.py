"""Speech recognition service: the HTTP side in `src.api`, the worker in `src.worker`."""
