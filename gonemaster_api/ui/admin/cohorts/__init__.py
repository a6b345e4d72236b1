"""Cohorts: list, details with snapshots, and actions on both."""
