"""What a worker process does repeatedly: leases, heartbeat, watchdog, maintenance tasks."""
