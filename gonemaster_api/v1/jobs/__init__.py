"""Jobs: a request to test one domain, and the run it becomes."""
