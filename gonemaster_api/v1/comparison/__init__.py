"""Comparison: two batches side by side."""
