"""Watches: who is told of what."""
