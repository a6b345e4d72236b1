"""Imports of the data of other services."""
