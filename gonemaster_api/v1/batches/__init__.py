"""Batches: one submission of many domains."""
