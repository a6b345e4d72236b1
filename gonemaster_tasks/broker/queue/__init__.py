"""The messages of the queues: waiting, held by workers, or rejected; the clients that wait for checks."""
