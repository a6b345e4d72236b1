"""Tables of cohorts, facts and snapshots."""
