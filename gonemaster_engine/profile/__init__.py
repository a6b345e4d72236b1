"""Profiles: defaults, sparse overrides, validation and comparison."""
