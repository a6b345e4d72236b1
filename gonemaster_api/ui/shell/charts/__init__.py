"""Charts and diagrams."""
