"""Jobs: requests to test one domain, and the runs of finished jobs."""
