"""Settings of the service: show and change."""
