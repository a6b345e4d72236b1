"""Random histories of a store, and a reference in plain lists that computes the expected content of every list."""
