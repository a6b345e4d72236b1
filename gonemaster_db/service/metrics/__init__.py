"""Metrics: counters of all processes together, courses over time, and what is added up of finished runs."""
