"""The worker process. `src.worker.pipeline` imports torch; this package itself does not."""
