"""How findings become a score."""
