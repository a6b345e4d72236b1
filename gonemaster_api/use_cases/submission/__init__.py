"""Submission of tests: single, in batches, and by the public."""
