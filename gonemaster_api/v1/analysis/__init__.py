"""Analysis: cohorts, their snapshots, the state of the analysis."""
