"""Entries: findings across runs."""
