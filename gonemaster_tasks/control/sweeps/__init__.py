"""Batches that are filled from an upload or a file."""
