"""The metrics: read once from database and broker, returned as a JSON document or as Prometheus families."""
