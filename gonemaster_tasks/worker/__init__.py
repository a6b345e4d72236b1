"""A worker process: what it takes, how it runs a job, how it stops."""
