"""Frozen views of snapshots: what is stored of each, and how pages read it."""
