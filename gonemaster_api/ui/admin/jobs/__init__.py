"""One job: its progress, then its result."""
