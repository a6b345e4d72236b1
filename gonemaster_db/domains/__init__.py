"""Domains, their tags and the profiles that test them."""
