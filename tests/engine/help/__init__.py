"""The pages about findings."""
