"""Metrics: counters over all processes, time series, and aggregates of finished runs."""
