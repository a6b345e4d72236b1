"""Checks of delegations before a registry publishes them."""
