"""Domains that were tested or tagged."""
