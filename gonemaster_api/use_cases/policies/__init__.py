"""Changes of stored policies."""
