"""Runs: the record of finished tests."""
