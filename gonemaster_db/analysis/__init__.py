"""The analysis: cohorts, their snapshots, facts, and the views that public reads are answered from."""
