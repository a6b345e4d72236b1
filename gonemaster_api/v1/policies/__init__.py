"""Policies: what makes a domain pass or fail."""
