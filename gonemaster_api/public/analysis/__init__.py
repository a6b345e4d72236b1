"""The public analysis: cohorts and their snapshots, read only."""
