"""Cohorts, snapshots and facts for tests."""
