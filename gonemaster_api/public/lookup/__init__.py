"""Look-ups of delegations."""
