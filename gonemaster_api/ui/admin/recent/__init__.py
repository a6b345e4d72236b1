"""Jobs and runs in one list."""
