"""Links that share one result."""
