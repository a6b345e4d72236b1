"""The memory of a worker after many runs."""
