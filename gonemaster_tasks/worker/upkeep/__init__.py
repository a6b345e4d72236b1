"""Repeated work of a worker process: leases, heartbeat, watchdog and maintenance tasks."""
