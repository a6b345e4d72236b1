"""Settings of the service, stored profiles, and the configuration of scoring."""
