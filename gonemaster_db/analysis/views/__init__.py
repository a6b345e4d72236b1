"""Immutable views of snapshots: their tables, and how pages read them."""
