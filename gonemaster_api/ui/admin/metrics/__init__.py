"""Metrics of the service over the last hours and days."""
