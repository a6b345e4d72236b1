"""Shared parts of the store: sessions, column types, errors, time, identifiers, limits."""
