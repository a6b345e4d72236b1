"""Public information about the service."""
