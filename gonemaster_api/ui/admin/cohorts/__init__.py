"""Cohorts: the list, one cohort with its snapshots, and what may be done with both."""
