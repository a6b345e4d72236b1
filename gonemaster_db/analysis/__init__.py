"""The analysis: cohorts, their snapshots, facts, and the views that serve public reads."""
