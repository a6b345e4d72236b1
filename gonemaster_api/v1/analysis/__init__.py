"""Analysis: cohorts, their snapshots and the analysis status."""
