"""Lookups of delegations."""
