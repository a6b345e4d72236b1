"""The metrics: read once from database and broker, shown as a JSON document or as families of Prometheus."""
