"""Admin tokens."""
