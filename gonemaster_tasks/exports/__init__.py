"""Exports of stored results to files."""
