"""Entries to score and grade."""
