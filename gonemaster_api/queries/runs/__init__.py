"""Runs as documents: lists, results, findings, entries."""
