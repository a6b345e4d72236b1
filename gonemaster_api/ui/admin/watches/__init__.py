"""Watches: who is told of what, and what was delivered."""
