"""Runs: the results of finished tests."""
