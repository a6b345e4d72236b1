"""Schedules: batches that are submitted again and again."""
