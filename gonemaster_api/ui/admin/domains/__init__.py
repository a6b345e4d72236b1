"""Domains, their history, and comparisons of their runs."""
