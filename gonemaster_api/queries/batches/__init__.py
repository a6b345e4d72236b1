"""Batches as documents: lists, counts, differences."""
