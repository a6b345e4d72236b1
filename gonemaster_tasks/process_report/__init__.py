"""Reports of each process about its own state."""
