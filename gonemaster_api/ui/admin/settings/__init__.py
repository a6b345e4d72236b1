"""Settings of the service, stored profiles, and the scoring configuration."""
