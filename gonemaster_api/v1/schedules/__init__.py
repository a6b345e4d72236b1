"""Schedules: batches that are submitted periodically."""
