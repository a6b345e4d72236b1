"""Finds what watches are to be told, and tells it."""
