"""Saved answers, which make runs repeatable."""
