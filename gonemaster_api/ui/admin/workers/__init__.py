"""The pages of worker processes."""
