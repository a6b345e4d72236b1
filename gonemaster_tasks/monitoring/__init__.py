"""Monitoring: the health of the queue, and when jobs are expected to start and end."""
