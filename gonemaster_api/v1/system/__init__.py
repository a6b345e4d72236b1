"""Whether the service works, and what it offers."""
