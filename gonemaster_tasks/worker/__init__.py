"""The worker process: consuming messages, executing jobs, upkeep."""
