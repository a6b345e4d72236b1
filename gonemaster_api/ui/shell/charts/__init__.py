"""Charts and diagrams of pages."""
