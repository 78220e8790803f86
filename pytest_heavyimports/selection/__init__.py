"""Which tests are heavy, in which order they run, and on which workers."""
