"""The messages of the queues: waiting, held by workers, or rejected."""
