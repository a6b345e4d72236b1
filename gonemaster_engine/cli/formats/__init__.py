"""Output formats for other programs: one document about all tested domains."""
