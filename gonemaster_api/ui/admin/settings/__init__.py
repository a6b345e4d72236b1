"""Settings of the service, stored profiles, the scoring configuration, and admin tokens."""
