"""Domains: what was tested or tagged."""
