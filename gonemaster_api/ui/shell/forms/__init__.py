"""Forms: reading, errors, confirmations."""
