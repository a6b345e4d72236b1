"""Help about findings: the page of each message tag, test case and root cause, as data."""
