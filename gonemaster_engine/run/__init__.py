"""A run: its plan, its deadline and its result."""
