"""Batches: submission, counts, statistics, comparison, deletion."""
