"""Iterative resolution from the root, and the walk over delegations."""
