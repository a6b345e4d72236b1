"""What the public is told of the service."""
