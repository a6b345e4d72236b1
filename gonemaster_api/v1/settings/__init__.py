"""Settings of the service, looked at and changed."""
