"""Pages of links that share one result."""
