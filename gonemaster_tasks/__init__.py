"""Queue and workers: Celery on Redis."""
