"""The page of one public test: its progress, then its result."""
