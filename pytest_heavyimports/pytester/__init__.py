"""Inner runs of pytest for the tests of plugins, each in a child forked from a process that has imported pytest."""
