"""Tables of the service itself."""
