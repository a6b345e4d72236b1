"""The badge for other websites."""
