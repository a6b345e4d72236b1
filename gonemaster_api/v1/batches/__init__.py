"""Batches: many domains submitted together."""
