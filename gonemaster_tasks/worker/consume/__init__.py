"""The choice of the next message of a worker process."""
