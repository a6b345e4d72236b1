"""Which message a worker process takes next."""
