"""Batches: list, details, submission, deletion and comparison."""
