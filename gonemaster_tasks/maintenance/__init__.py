"""Periodic maintenance of queue and store, one task per file."""
