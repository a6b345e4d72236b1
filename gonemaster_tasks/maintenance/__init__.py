"""Periodic maintenance of queue and store, one duty a file."""
