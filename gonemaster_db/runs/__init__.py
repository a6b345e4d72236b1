"""Finished runs: graduation, outcomes, documents, entries, counters, lists."""
