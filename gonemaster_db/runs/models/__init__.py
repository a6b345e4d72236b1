"""Tables of runs, their outcomes, documents and counters."""
