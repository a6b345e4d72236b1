"""Domains, their tags and the profiles that they are tested with."""
