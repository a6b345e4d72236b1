"""Forms of pages: reading, errors, confirmations."""
