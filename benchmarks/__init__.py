"""What the plugin costs, and what it saves: whole runs of pytest with the plugin, against the same runs without it."""
